"""The database of the host tests: how the exchangers come to follow it, and back."""

from typing import Any, cast

import pytest

from lab import database
from lab.converging import Pair
from tests.unit.roles.exchanges import exchange


class Recorder:
    """A pair of which one exchanger cannot be converged to the database."""

    exchange = exchange()

    def __init__(self, fails: str = "") -> None:
        self.did: list[tuple[str, dict[str, str]]] = []
        self._fails = fails

    def converge(self, limit: str, **flags: str) -> set[str]:
        self.did.append((limit, flags))
        assert not flags or limit != self._fails, "not converged"
        return set()


@pytest.fixture(autouse=True)
def no_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "brought_up", lambda _: "the database")
    monkeypatch.setattr(database, "lab_aliases", lambda _: ())
    monkeypatch.setattr(database, "sql", lambda *_: "")


def follow(pair: Any) -> None:
    with database.followed(cast(Pair, pair)) as host:
        assert host == "the database"


def test_exchangers_follow_it_one_after_the_other_since_mail_may_flow() -> None:
    pair = Recorder()

    follow(pair)

    assert pair.did == [("mx2", database.SOURCE), ("mx1", database.SOURCE), ("mx2", {}), ("mx1", {})]


def test_they_follow_the_file_again_however_it_ends() -> None:
    pair = Recorder(fails="mx1")

    with pytest.raises(AssertionError, match="not converged"):
        follow(pair)

    assert pair.did[-2:] == [("mx2", {}), ("mx1", {})]
