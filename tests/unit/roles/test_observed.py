"""When a host is asked again."""

from types import SimpleNamespace
from typing import Any

import pytest

from roles.lib import observed
from roles.lib.observed import Observed, announce, forget, observe


class AskedHost:
    """A host that answers about what it is asked and nothing else, and counts the questions."""

    name = "observed-host"

    def __init__(self) -> None:
        self.questions = 0

    def get_fact(self, _fact: Any, paths: list[str], units: list[str]) -> Observed:
        self.questions += 1
        return Observed({}, dict.fromkeys(paths), {unit: {"Id": unit} for unit in units}, {}, {})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> AskedHost:
    host = AskedHost()
    monkeypatch.setattr(observed, "host", host)
    monkeypatch.setattr(observed, "state", SimpleNamespace(is_executing=True))
    for remembered in "_paths", "_units", "_answers":
        getattr(observed, remembered).pop(host.name, None)
    return host


def test_what_was_announced_before_costs_one_question(asked: AskedHost) -> None:
    announce(paths=["/etc/one"], units=["one.service"])
    announce(paths=["/etc/two"])

    assert observe() is observe()
    assert asked.questions == 1


def test_a_change_is_followed_by_a_new_question(asked: AskedHost) -> None:
    observe()
    forget()
    observe()

    assert asked.questions == 2


def test_a_path_or_a_unit_announced_later_is_asked_for(asked: AskedHost) -> None:
    """A plan observes while roles still announce: what it has not asked for must not look missing."""
    observe()

    announce(paths=["/etc/later"])
    assert "/etc/later" in observe().files
    announce(units=["later.service"])
    assert "later.service" in observe().units
    assert asked.questions == 3
