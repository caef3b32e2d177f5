"""What a drill understands of the hosts' answers, and which signals its converges hear."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from controller import pyinfra
from controller.drill.chosen import choose
from controller.drill.hosts import MARK, Alert, Hosts
from controller.errors import ControllerError
from controller.remote import UNREACHED, Answer, Remote
from drills.lib.model import Fault, Where
from tests.unit.controller.rolling_world import World
from tests.unit.roles.exchanges import exchange

AGENT = {"state": "active", "active": True, "well": True, "promises": True}
ACT = {"at": 5.5, "name": "drain", "whom": "mx1", "cause": "gate", "automatic": True}
OLD = {"alertname": "OldestMessage", "host": "mx1", "severity": "page"}
FIRING = {"labels": OLD, "status": {"state": "active"}}
SILENCED = {"labels": {"alertname": "Quiet", "severity": "page"}, "status": {"state": "suppressed"}}
HEARTBEAT = {"labels": {"alertname": "Watchdog", "severity": "heartbeat"}, "status": {"state": "active"}}


@dataclass(frozen=True)
class Told(Remote):
    """A host that answers what a test says, and keeps what it was asked."""

    answer: Answer
    asked: list[str] = field(default_factory=list)

    def try_(self, command: str, *, given: str = "", seconds: float = 0.0) -> Answer:
        self.asked.append(command)
        return self.answer


def hosts(**answers: Answer | str) -> Hosts:
    world = World(exchange())
    told = {name: one if isinstance(one, Answer) else Answer(0, one, "") for name, one in answers.items()}
    world.remotes = {name: Told(name, {}, answer) for name, answer in told.items()}
    return Hosts("inventory/lab.py", world)


def says(agent: Mapping[str, Any], *alerts: Mapping[str, Any]) -> str:
    return f"{json.dumps(agent)}\n\n{MARK}\n{json.dumps(alerts)}"


# --- asked -----------------------------------------------------------------------------------------


def test_agents_and_alerts_are_read_from_one_answer() -> None:
    acted, sick = AGENT | {"acts": [ACT]}, AGENT | {"well": False}
    seen = hosts(mx1=says(acted, FIRING), mx2=says(sick, HEARTBEAT)).look()

    assert [act.name for act in seen.accounts["mx1"].acts] == ["drain"]
    assert seen.alerts == frozenset([Alert("OldestMessage", "mx1", "page")])
    assert seen.serving == ["mx1"]


def test_who_is_silenced_and_what_always_fires_are_no_alerts() -> None:
    assert hosts(mx1=says(AGENT, SILENCED, HEARTBEAT)).look().alerts == frozenset()


def test_a_host_that_says_nothing_is_silent_and_no_alertmanager_is_not_none_firing() -> None:
    seen = hosts(mx1=Answer(UNREACHED, "", "no route"), mx2=f"{json.dumps(AGENT)}\n{MARK}\n").look()

    assert seen.accounts["mx1"].state == "silent"
    assert list(seen.out) == ["mx1"]
    assert seen.alerts is None


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("inactive\n", ""),
        ("failed\n", ""),
        ("engine-out\nactive\n", "the drill engine-out"),
        ("engine-out\ninactive\n", "the drill engine-out"),
        ("active\n", "a drill"),
        (Answer(UNREACHED, "", "no route"), "no route"),
        (Answer(0, "", ""), ""),
    ],
)
def test_what_is_left_of_a_drill(answer: Answer | str, told: str) -> None:
    assert hosts(mx1=answer, mx2="inactive\n").left() == ({"mx1": told} if told else {})


def test_a_drill_is_over_where_its_unit_has_ended_and_not_where_nobody_answers() -> None:
    chosen = choose(exchange(), "engine-out", 60)

    assert hosts(mx1="active\n", mx2="inactive\n").over(chosen) == ["mx2"]
    assert hosts(mx1=Answer(UNREACHED, "", "no route"), mx2="failed\n").over(chosen) == ["mx2"]


def test_a_proof_is_asked_of_the_host_that_has_the_fault() -> None:
    chosen = choose(exchange(), "drain-and-return", 60)
    pair = hosts(mx1=Answer(1, "", "it is active"), mx2=Answer(1, "", ""))

    assert "mx1: " in pair.not_proved(chosen)
    assert "it is active" in pair.not_proved(chosen)
    second = pair.fleet.remotes["mx2"]
    assert isinstance(second, Told)
    assert second.asked == []
    assert hosts(mx1="", mx2=Answer(1, "", "")).not_proved(chosen) == ""


def test_what_need_not_last_is_not_asked_at_the_end() -> None:
    chosen = choose(exchange(), "drain-and-return", 60)
    passing = replace(chosen, faults={"mx1": (Fault(Where.FIRST, "true", "true", "false", lasts=False),)})
    pair = hosts(mx1=Answer(1, "", ""), mx2="")

    assert pair.not_proved(passing)
    assert not pair.not_proved(passing, lasting=True)


@pytest.mark.parametrize(
    ("mx", "proved"),
    [
        ({"alias.example": {"mx1": 20, "mx2": 10}, "masked.example": {"mx1": 20, "mx2": 10}}, True),
        ({"alias.example": {"mx1": 20, "mx2": 10}, "masked.example": {"mx1": 10, "mx2": 20}}, False),
        ({"alias.example": {}}, False),
        ({}, False),
    ],
)
def test_a_swap_is_proved_by_what_the_agents_read_of_the_name_server(
    mx: dict[str, dict[str, int]], proved: bool
) -> None:
    swapped = {"alias.example": {"mx1": 20, "mx2": 10}}
    pair = hosts(mx1=says(AGENT | {"mx": swapped}), mx2=says(AGENT | {"mx": mx}))

    assert (pair.not_proved(choose(exchange(), "primary-swap", 60)) == "") is proved


# --- a converge ------------------------------------------------------------------------------------


def typed(monkeypatch: pytest.MonkeyPatch, program: str) -> list[Mapping[str, str]]:
    """Have a converge be this Python program; the flags it is given."""
    given: list[Mapping[str, str]] = []

    def command(_inventory: str, *_options: str, flags: Mapping[str, str]) -> list[str]:
        given.append(flags)
        return [sys.executable, "-c", program]

    monkeypatch.setattr(pyinfra, "command", command)
    return given


def test_a_converge_has_the_flag_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    given = typed(monkeypatch, "")

    hosts(mx1="").converge("engine-out/60s")
    hosts(mx1="").converge()

    assert given == [{"drill": "engine-out/60s"}, {}]


def test_one_that_fails_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "import sys; sys.exit('--> Connecting\\nmx1: no route')")

    with pytest.raises(ControllerError, match="mx1: no route"):
        hosts(mx1="").converge()


def test_the_terminal_s_signals_do_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, f"import os, sys; sys.exit(os.getpgrp() == {os.getpgrp()})")

    hosts(mx1="").converge()


def test_it_is_stopped_where_it_is_broken_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "pid"
    program = (
        f"import os, pathlib, signal; place = pathlib.Path({str(place)!r});"
        "place.with_suffix('.new').write_text(str(os.getpid())); place.with_suffix('.new').rename(place);"
        "signal.pause()"
    )
    typed(monkeypatch, program)

    def interrupt() -> None:
        while not place.exists():
            pass
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        hosts(mx1="").converge("engine-out/60s")
    thread.join()

    with pytest.raises(ProcessLookupError):
        os.kill(int(place.read_text()), 0)


CONTROLLER = """
import subprocess
from controller import pyinfra
from controller.drill.hosts import Hosts
subprocess.DEVNULL = None  # so that the converge holds the pipe of this test
pyinfra.command = lambda *_, **__: ["sh", "-c", "echo begun; exec sleep 600"]
Hosts("inventory/lab.py", None).converge()
"""


def test_it_dies_with_its_controller() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CONTROLLER], cwd=pyinfra.ROOT, stdout=subprocess.PIPE, text=True
    ) as controller:
        assert controller.stdout
        assert controller.stdout.readline() == "begun\n"
        controller.kill()
        assert controller.stdout.read() == "", "nobody holds the pipe any more"
