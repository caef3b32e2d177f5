"""`twinmx drill`: whatever happens from its begin on, the last thing that is done is a plain converge."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.drill import command
from controller.drill.chosen import choose
from controller.drill.ending import TRIES
from controller.drill.hosts import Act, Alert
from controller.errors import ControllerError
from tests.unit.controller.drill_world import FLAG, NAME, PLAIN, WRONG, Drilled, FakeLock, account, noted
from tests.unit.roles.exchanges import exchange

# --- the course ------------------------------------------------------------------------------------


def test_it_begins_is_proved_lasts_and_ends(drilled: Drilled) -> None:
    drilled.hosts.proved_after = 2

    outcome = drilled.run()

    assert outcome.well
    assert drilled.hosts.converges == [FLAG, PLAIN]
    order = [drilled.hosts.did.index(what) for what in (FLAG, "proof", "proof at the end", PLAIN)]
    assert order == sorted(order)
    assert outcome.proved == 10
    assert outcome.ending == 70
    assert outcome.back is not None
    assert drilled.note.drill == ""
    assert drilled.note.watches == [f"inventory/lab.py {360 + command.HANGS_SECONDS:g}"]


def test_it_is_ended_before_the_hosts_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drilled = Drilled(tmp_path, monkeypatch)
    drilled.chosen = choose(exchange(drills={"longest_seconds": 60}), NAME, 60)
    drilled.hosts.proved_after = 4

    assert drilled.run().ending == 50


def test_acts_and_alerts_that_are_new_are_told_once(drilled: Drilled) -> None:
    old, new = (Act(at=at, name="drain", whom="mx1", cause=str(at)) for at in (1.0, 2.0))
    known, fresh = Alert("Known", "mx1", "ticket"), Alert("HostDrained", "mx1", "ticket")
    drilled.sees([known], mx1=account("active", old))
    drilled.hosts.fails["proof"] = [lambda: drilled.sees([known, fresh], mx1=account("drained", old, new))]
    drilled.hosts.fails["proof at the end"] = [drilled.sees]

    outcome = drilled.run()

    assert outcome.acts == ["mx1: drain mx1 (2.0)"]
    assert outcome.alerts == ["HostDrained mx1"]


def test_it_ends_when_nobody_carries_mail_any_more(drilled: Drilled) -> None:
    drilled.hosts.fails["proof"] = [lambda: drilled.sees(mx1=account("drained"), mx2=account(well=False))]
    drilled.hosts.fails[PLAIN] = [lambda: drilled.sees(mx1=account(), mx2=account())]

    outcome = drilled.run()

    assert "nobody carries mail" in outcome.why[0]
    assert outcome.ending is not None
    assert outcome.ending < 60
    assert drilled.hosts.converges == [FLAG, PLAIN]


def test_one_look_at_which_nobody_answers_does_not_end_it(drilled: Drilled) -> None:
    drilled.hosts.fails["proof"] = [lambda: drilled.sees(mx1=account("silent"), mx2=account("silent"))]
    drilled.hosts.fails["sleep"] = [lambda: drilled.sees(mx1=account("drained"), mx2=account())]

    assert drilled.run().well


def test_it_ends_when_it_is_no_longer_there(drilled: Drilled) -> None:
    drilled.hosts.ended_by_host = True

    assert "somebody else has ended it on mx1" in drilled.run().why[0]
    assert drilled.hosts.converges == [FLAG, PLAIN]


def test_a_fault_that_did_not_last_is_told(drilled: Drilled) -> None:
    def heal() -> None:
        drilled.hosts.broken = False

    drilled.hosts.fails["proof at the end"] = [heal]

    assert "did not last" in drilled.run().why[0]


def test_a_host_that_does_not_come_back_is_told(drilled: Drilled) -> None:
    drilled.hosts.world.hosts["mx2"].state = "drained"

    outcome = drilled.run()

    assert outcome.ended is not None
    assert outcome.back is None
    assert "it is in service" in outcome.why[0]


# --- whatever happens ------------------------------------------------------------------------------

STEPS = ("before its converge", "in its converge", "at its proof", "while it lasts", "at its end")
FAILURES = (WRONG, KeyboardInterrupt(), OSError("no room"))


def at(drilled: Drilled, step: str, *happens: BaseException | Callable[[], None]) -> None:
    """Have this happen at a step; the first two looks come before anything is begun."""
    nothing: Callable[[], None] = lambda: None  # noqa: E731
    what = {
        "before its converge": "look",
        "in its converge": FLAG,
        "at its proof": "proof",
        "while it lasts": "sleep",
        "at its end": "proof at the end",
    }[step]
    skipped = {"look": 1, "sleep": 3}.get(what, 0)
    drilled.hosts.fails[what] = [*[nothing] * skipped, *happens]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("happens", FAILURES, ids=lambda one: type(one).__name__)
def test_whatever_fails_ends_it_by_a_plain_converge(
    step: str, happens: BaseException, drilled: Drilled
) -> None:
    at(drilled, step, happens)

    outcome = drilled.run()

    assert drilled.hosts.converges[-1] == PLAIN
    assert not drilled.hosts.broken
    assert not outcome.well
    assert outcome.ended is not None
    assert drilled.note.drill == ""


@pytest.mark.parametrize("step", STEPS)
def test_a_bug_as_well(step: str, drilled: Drilled) -> None:
    at(drilled, step, RuntimeError("a bug"))

    with pytest.raises(RuntimeError, match="a bug"):
        drilled.run()

    assert drilled.hosts.converges[-1] == PLAIN
    assert not drilled.hosts.broken


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", STEPS)
def test_a_signal_as_well_and_those_after_it_wait(
    step: str, number: signal.Signals, drilled: Drilled
) -> None:
    again: list[str] = []

    def kill() -> None:
        os.kill(os.getpid(), number)

    def kill_again() -> None:
        again.append("signal")
        kill()

    at(drilled, step, kill)
    drilled.hosts.fails[PLAIN] = [kill_again]

    outcome = drilled.run()

    assert again == ["signal"]
    assert outcome.why == ["broken off by a signal"]
    assert drilled.hosts.converges.count(PLAIN) == 1
    assert outcome.back is not None


def test_a_signal_while_a_drill_that_went_well_is_being_ended_waits_too(drilled: Drilled) -> None:
    drilled.hosts.fails[PLAIN] = [lambda: os.kill(os.getpid(), signal.SIGINT)]

    assert drilled.run().well
    assert drilled.hosts.converges == [FLAG, PLAIN]


def test_signals_are_as_before_afterwards(drilled: Drilled) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    drilled.run()

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_who_waits_for_the_hosts_to_be_back_may_go(drilled: Drilled) -> None:
    drilled.hosts.world.hosts["mx1"].state = "returning"
    drilled.hosts.fails["left"] = [
        lambda: None,
        lambda: drilled.hosts.fails.update({"sleep": [KeyboardInterrupt()]}),
    ]

    outcome = drilled.run()

    assert outcome.ended is not None
    assert outcome.why == ["not waited for: broken off by a signal"]


@pytest.mark.parametrize("what", [PLAIN, "left"])
@pytest.mark.parametrize("happens", FAILURES, ids=lambda one: type(one).__name__)
def test_the_end_is_tried_again(what: str, happens: BaseException, drilled: Drilled) -> None:
    before = [lambda: None] if what == "left" else []
    drilled.hosts.fails[what] = [*before, happens, happens]

    outcome = drilled.run()

    assert outcome.well
    assert drilled.hosts.converges == [FLAG, PLAIN, PLAIN, PLAIN]


def test_what_is_left_after_a_converge_is_not_taken_for_ended(drilled: Drilled) -> None:
    def stays() -> None:
        drilled.hosts.broken = True

    drilled.hosts.fails["left"] = [lambda: None, stays]

    assert drilled.run().ended is not None
    assert drilled.hosts.converges == [FLAG, PLAIN, PLAIN]


def test_one_that_cannot_be_ended_stays_noted_and_says_what_is_to_be_done(drilled: Drilled) -> None:
    drilled.hosts.fails[PLAIN] = [WRONG] * TRIES

    outcome = drilled.run()

    assert outcome.ended is None
    assert outcome.back is None
    assert "--abort" in outcome.why[-1]
    assert drilled.note.drill == NAME
    with pytest.raises(ControllerError, match=rf"the drill {NAME} is under way, or could not be ended"):
        drilled.run()


# --- ended from elsewhere --------------------------------------------------------------------------


def test_abort_is_a_plain_converge_also_where_nothing_is_known(drilled: Drilled) -> None:
    drilled.abort()

    assert drilled.hosts.converges == [PLAIN]
    assert drilled.note.drill == ""


def test_abort_ends_what_could_not_be_ended(drilled: Drilled) -> None:
    noted(drilled)
    drilled.hosts.broken = True
    drilled.hosts.fails[PLAIN] = [WRONG]

    drilled.abort()

    assert drilled.hosts.converges == [PLAIN, PLAIN]
    assert not drilled.hosts.broken
    assert drilled.note.drill == ""


def test_abort_waits_for_the_lock_of_who_has_died(drilled: Drilled) -> None:
    noted(drilled)
    FakeLock.held_by = ["root@controller converges since 10:00"] * 3

    drilled.abort()

    assert drilled.hosts.converges == [PLAIN]


def test_abort_does_not_disturb_who_lives(drilled: Drilled) -> None:
    FakeLock.held_by = ["ada@elsewhere converges since 10:00"]

    with pytest.raises(ControllerError, match="ada@elsewhere"):
        drilled.abort()
    assert drilled.hosts.converges == []
