"""A drill leaves the pair as a plain converge makes it, wherever and by whatever it is broken off."""

import json

import pytest

from drills.lib import course
from lab.errors import LabError
from tests.unit.drills.coursing import (
    AFTER,
    BEFORE,
    FAULT,
    PLAIN,
    RECOVERY,
    TIMELINE,
    Quiet,
    World,
    carry_out,
    carry_out_drill,
)
from tests.unit.drills.made import BEGUN, FIRST, HERE, OUTSIDE, drill

EVERY = dict.fromkeys([*BEFORE, *(one for one in FAULT if one != "flood end"), *RECOVERY])
ERRORS = (LabError, KeyboardInterrupt, RuntimeError)
CASES = [
    pytest.param(at, error, id=f"{at or 'plain'}: {error.__name__}")
    for at in EVERY
    for error in ERRORS
    if not (": broken" in at and error is LabError)  # a proof that fails is asked again
]


@pytest.mark.parametrize(("at", "kind"), CASES)
def test_whatever_breaks_off_before_the_recovery_all_is_put_back(
    world: World, at: str, kind: type[BaseException]
) -> None:
    error = kind("no")
    world.breaks[at] = error

    with pytest.raises(kind) as raised:
        carry_out(world, FIRST, OUTSIDE)

    assert raised.value is error
    broken_off = world.done.index(at)
    assert world.done[-3:] == RECOVERY
    assert len(world.done) - 3 > broken_off
    assert world.done.count("users begin") == world.done.count("users end") + (at == "users begin")
    assert not course.UNDER_WAY.exists()


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("at", [AFTER[0], "senders at their end", "whole"])
def test_what_breaks_off_after_the_recovery_leaves_nothing_behind(
    world: World, at: str, kind: type[BaseException]
) -> None:
    world.breaks[at] = kind("no")

    with pytest.raises(kind):
        carry_out(world, FIRST, OUTSIDE)

    assert world.done.count(PLAIN) == 2
    assert not course.UNDER_WAY.exists()


def test_a_second_drill_is_refused_and_touches_nothing(world: World) -> None:
    def wait(text: str, seconds: float) -> None:
        with pytest.raises(LabError, match="made-up is under way, or was broken off") as refused:
            course.carry_out(drill(HERE), "now", TIMELINE, (), 1, Quiet(World()))
        assert refused.value.way_out == "python -m drills abort"
        world.do(f"refused during {text}", seconds)

    show = Quiet(world)
    show.wait = wait  # type: ignore[method-assign]
    course.carry_out(drill(OUTSIDE), "now", TIMELINE, (), 1, show)

    assert [one for one in world.done if "here" in one] == []
    assert world.done.count("refused during the fault") == 1
    assert not course.UNDER_WAY.exists()


def test_what_is_under_way_can_be_read_by_another_process(world: World) -> None:
    world.always[PLAIN] = LabError("mx1: no space left on device")

    with pytest.raises(LabError):
        carry_out_drill(world, drill(FIRST), "then")

    assert json.loads(course.UNDER_WAY.read_text()) == {"drill": "made-up", "variant": "then", "since": BEGUN}


def test_a_recovery_that_fails_says_why_and_the_drill_stays_noted(world: World) -> None:
    world.always[PLAIN] = LabError("mx1: no space left on device")

    with pytest.raises(LabError, match=r"a plain converge.*no space left on device") as raised:
        carry_out(world, FIRST)

    assert raised.value.way_out == "python -m drills abort"
    assert course.UNDER_WAY.exists()

    with pytest.raises(LabError, match="under way, or was broken off"):
        carry_out(world, FIRST)


def test_a_broken_off_drill_is_ended_by_another_process(world: World) -> None:
    course.UNDER_WAY.parent.mkdir(parents=True)
    course.UNDER_WAY.write_text("{}")

    course.abort(drill(FIRST, OUTSIDE, HERE))

    assert world.done == ["controller: mend here", *RECOVERY]
    assert not course.UNDER_WAY.exists()


@pytest.mark.parametrize("at", ["outside: mend outside", "reached"])
def test_an_end_that_fails_keeps_the_hosts_from_no_converge(world: World, at: str) -> None:
    course.UNDER_WAY.parent.mkdir(parents=True)
    course.UNDER_WAY.write_text("{}")
    world.breaks[at] = LabError("it stays broken")

    with pytest.raises(LabError, match="it stays broken"):
        course.abort(drill(OUTSIDE, HERE))

    assert world.done == ["controller: mend here", *RECOVERY]
    assert course.UNDER_WAY.exists()


def test_an_abort_converges_again_until_the_hosts_are_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "ABORT_SECONDS", 60)
    world.breaks[PLAIN] = LabError("mx1 is booting")

    course.abort(drill(FIRST))

    assert world.done == ["reached", PLAIN, PLAIN]
