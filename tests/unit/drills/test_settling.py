"""What waits in a queue after a drill is flushed once, and only where something waits."""

from dataclasses import replace

import pytest

from drills.lib import settling
from drills.lib.flow import Flow
from lab import ssh
from lab.ledger import Held, Seen
from lab.ledger_places import Places
from lab.settings import LabHost
from lab.traffic import Sent
from tests.unit.drills.made import FLOOD, USERS

FLUSHED = [
    "mx1: postqueue -c /etc/postfix -f",
    "mx2: postqueue -c /etc/postfix -f",
    "mx1: postqueue -c /etc/postfix-out -f",
    "mx2: postqueue -c /etc/postfix-out -f",
    "outside: postqueue -c /etc/postfix -f",
]


class Queues:
    """Hold a letter until they are flushed, or for ever."""

    def __init__(self) -> None:
        self.held = {"a": [Held("mx1 out", "ABC", "one@mailbox.example")]}
        self.done: list[str] = []
        self.stuck = False

    def settle(self, _: list[Sent], __: Places, seconds: float) -> Seen:
        self.done.append(f"looked for {seconds:g} s")
        return Seen(held=dict(self.held))

    def on(self, host: LabHost, command: str) -> str:
        self.done.append(f"{host.alias}: {command}")
        if not self.stuck:
            self.held.clear()
        return ""


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Queues:
    made = Queues()
    monkeypatch.setattr(settling, "settle", made.settle)
    monkeypatch.setattr(ssh, "on", made.on)
    return made


def flows() -> list[Flow]:
    return [Flow(replace(stream, rate=0.001), 1, 0.0) for stream in (USERS, FLOOD)]


def test_what_is_in_no_queue_is_not_waited_for(queues: Queues) -> None:
    queues.held.clear()

    assert list(settling.found(flows())) == ["users", "flood"]
    assert queues.done == ["looked for 120 s"] * 2


def test_what_is_deferred_is_flushed_once_and_looked_for_again(queues: Queues) -> None:
    seen = settling.found(flows())

    assert queues.done == ["looked for 120 s"] * 2 + FLUSHED + ["looked for 1200 s"] * 2
    assert not any(one.held for one in seen.values())


def test_what_stays_in_a_queue_is_said(queues: Queues) -> None:
    queues.stuck = True

    assert all(one.held for one in settling.found(flows()).values())
