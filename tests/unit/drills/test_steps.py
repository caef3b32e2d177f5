"""A step is well where it ended and said what it must, and it is an operator's in any case."""

import subprocess
import time

import pytest

from drills.lib import steps
from drills.lib.model import Step
from drills.lib.record import Event


def taken(run: str, status: int = 0, says: str = "") -> Event:
    return steps.take(Step(0.5, run, status, says, name="step"), time.time() - 90)


@pytest.mark.parametrize(
    ("run", "status", "says", "well"),
    [
        pytest.param("echo 12 workers", 0, "12 workers", True, id="as it must"),
        pytest.param("echo 12 workers >&2", 0, "12 workers", True, id="said as an error"),
        pytest.param("echo 6 workers", 0, "12 workers", False, id="another text"),
        pytest.param("echo 12 workers; exit 1", 0, "12 workers", False, id="another status"),
        pytest.param("echo refused: workers; exit 2", 2, "refused", True, id="refused as it must be"),
        pytest.param("echo refused: workers", 2, "refused", False, id="not refused"),
        pytest.param("false; echo 12 workers", 0, "", False, id="its first command failed"),
        pytest.param(r"printf '\377 12 workers'", 0, "12 workers", True, id="no UTF-8"),
    ],
)
def test_a_step_must_end_and_say_what_it_must(run: str, status: int, says: str, well: bool) -> None:
    assert taken(run, status, says).well is well


def test_a_step_is_an_operator_s_act_at_its_moment() -> None:
    event = taken("echo done")

    assert (event.kind, event.says, event.by, event.automatic) == ("step", "step", "operator", False)
    assert event.cause == "status 0: done"
    assert 90 <= event.at < 100


def test_the_last_words_of_a_step_are_kept() -> None:
    event = taken("seq 1000; exit 3")

    assert event.cause.startswith("status 3: ")
    assert event.cause.endswith("999\n1000")
    assert len(event.cause) < 320


def test_what_is_looked_for_may_stand_anywhere_in_what_it_said() -> None:
    assert taken("echo converged; seq 1000", says="converged").well


def test_a_step_that_does_not_end_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(command: str, seconds: float) -> tuple[int, str]:
        raise subprocess.TimeoutExpired(command, seconds)

    monkeypatch.setattr(steps, "shell", late)
    event = taken("converge")

    assert not event.well
    assert event.cause == f"not done in {steps.STEP_SECONDS} s"
    assert (event.by, event.automatic) == ("operator", False)
