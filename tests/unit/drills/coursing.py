"""A made-up lab in which drills are carried out: everything that is done to it, in order."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from drills.lib import converges, course, faults
from drills.lib.course import Course
from drills.lib.model import Drill, Fault, Step, Timeline, Where
from drills.lib.record import Event, Variant
from drills.lib.show import Show
from lab import waiting
from lab.errors import LabError
from tests.unit.drills.made import BEGUN, drill

CONVERGE_SECONDS, STEP_SECONDS = 20.0, 40.0
PLAIN = "converge "
STEPS = (Step(0.5, "second step", name="second"), Step(0.25, "first step", name="first"))
TIMELINE = Timeline(60.0, 180.0, 30.0)


class World:
    """The lab, and everything that was done to it, in order; what is in `breaks` raises, once."""

    def __init__(self) -> None:
        self.now = BEGUN
        self.done: list[str] = []
        self.breaks: dict[str, BaseException] = {}
        self.always: dict[str, LabError] = {}
        self.unproved = 0
        self.began: float | None = None

    def time(self) -> float:
        return self.now

    def do(self, what: str, seconds: float = 0.0) -> None:
        self.done.append(what)
        self.now += seconds
        if error := self.breaks.pop(what, self.always.get(what)):
            raise error

    def converge(self, value: str = "") -> None:
        self.do(PLAIN + value, CONVERGE_SECONDS)

    def shell(self, where: Where, command: str, _: float = 0.0) -> str:
        self.do(f"{where}: {command}")
        if command.startswith("broken") and self.unproved:
            self.unproved -= 1
            raise LabError("not yet")
        return ""

    def take(self, step: Step, begun: float) -> Event:
        started = self.now
        self.do(f"step {step.run}", STEP_SECONDS)
        return Event(started - begun, "step", step.run)

    def rest(self, exchange: str) -> None:
        self.do(f"rest as {exchange or 'plain'}")

    @contextmanager
    def flowing(self, *, throughout: bool) -> Iterator[None]:
        which = "users" if throughout else "flood"
        self.do(f"{which} begin")
        try:
            yield
        finally:
            self.done.append(f"{which} end")

    def flows(self, *_: object) -> "World":
        return self

    def so_far(self) -> str:
        return ""

    def wait(self) -> None:
        self.do("senders at their end")


class Quiet(Show):
    """Shows nothing, and waits by the world's clock."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def say(self, text: str) -> None:
        pass

    @contextmanager
    def phase(self, text: str) -> Iterator[None]:
        yield

    def wait(self, text: str, seconds: float) -> None:
        if seconds > 0:
            self._world.do(f"wait {text} {seconds:g}", seconds)


def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """A world in place of the lab, for as long as the monkeypatch lasts."""
    made = World()
    monkeypatch.setattr(course, "UNDER_WAY", tmp_path / "drills" / "under-way.json")
    monkeypatch.setattr(course, "time", SimpleNamespace(time=made.time))
    monkeypatch.setattr(course, "ABORT_SECONDS", 0)
    monkeypatch.setattr(waiting, "PAUSE", 0)
    monkeypatch.setattr(converges, "converge", made.converge)
    monkeypatch.setattr(converges, "exchange", lambda value: value)
    monkeypatch.setattr(course, "wait_for_rest", made.rest)
    monkeypatch.setattr(course, "wait_until_whole", lambda: made.do("whole"))
    monkeypatch.setattr(course, "_bring_up_database", lambda: made.do("database"))
    monkeypatch.setattr(course, "take", made.take)
    monkeypatch.setattr(faults, "run", made.shell)
    monkeypatch.setattr(faults, "began_on_exchangers", lambda _: made.began)
    monkeypatch.setattr(faults, "wait_until_reached", lambda: made.do("reached"))
    monkeypatch.setattr(course, "Flows", SimpleNamespace(of=made.flows))
    return made


def carry_out(world: World, *broken: Fault, steps: tuple[Step, ...] = STEPS) -> Course:
    return carry_out_drill(world, drill(*broken), steps=steps)


def carry_out_drill(
    world: World, chosen: Drill, variant: Variant = "now", steps: tuple[Step, ...] = ()
) -> Course:
    return course.carry_out(chosen, variant, TIMELINE, steps, 1, Quiet(world))


BEFORE = [
    PLAIN,
    "rest as plain",
    "converge made-up/calm",
    "rest as made-up/calm",
    "users begin",
    "wait ordinary mail 60",
]
FAULT = [
    "converge made-up",
    "outside: break outside",
    "flood begin",
    "first: broken first",
    "outside: broken outside",
    "wait the fault 25",
    "step first step",
    "wait the fault 5",
    "step second step",
    "wait the fault 50",
    "first: broken first",
    "outside: broken outside",
    "flood end",
]
RECOVERY = ["outside: mend outside", "reached", PLAIN]
AFTER = ["wait mail after the recovery 30", "users end", "senders at their end", "whole"]
