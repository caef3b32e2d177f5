"""Looking again at what has just been started."""

import pytest

from roles.lib import settling
from roles.lib.settling import settled


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "PAUSE_SECONDS", 0.0)


def test_it_looks_until_all_is_well() -> None:
    answers = iter(["silent", "silent", ""])

    assert settled(lambda: next(answers), lambda why: not why, 60.0) == ""


def test_it_looks_once_where_there_is_no_patience() -> None:
    answers = iter(["silent"])

    assert settled(lambda: next(answers), lambda why: not why, 0.0) == "silent"


def test_what_stays_silent_is_told_at_the_end() -> None:
    assert settled(lambda: "silent", lambda why: not why, 0.01) == "silent"
