"""The order in which exchangers converge."""

import pytest

from controller import pyinfra, rolling
from tests.unit.roles.exchanges import DATABASE, MX1, MX2, exchange


def test_the_least_preferred_exchanger_goes_first() -> None:
    assert rolling.order(exchange()) == ["mx2", "mx1"]
    assert rolling.order(exchange(flags={"primary": "mx2"})) == ["mx1", "mx2"]


@pytest.mark.parametrize(
    ("database", "first"), [({}, ["database"]), ({"managed": False}, [])], ids=["ours", "somebody else's"]
)
def test_the_database_goes_before_those_who_follow_it(
    monkeypatch: pytest.MonkeyPatch, database: dict[str, object], first: list[str]
) -> None:
    of = exchange(MX1 | {"active": False}, MX2, alias_source="postgresql", database=DATABASE | database)
    monkeypatch.setattr(rolling, "greets", lambda _: None)
    monkeypatch.setattr(pyinfra, "show", lambda command: limits.append(command[4]))
    limits: list[str] = []

    rolling.converge("inventory/lab.py", of, {}, "")

    assert limits == [*first, "mx2", "mx1", "@local"]
