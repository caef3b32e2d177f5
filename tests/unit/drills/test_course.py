"""The course of a drill: what is done in which order, and what is noted of it."""

from dataclasses import replace

import pytest

from drills.lib import course, faults
from drills.lib.model import Step, Where
from drills.lib.record import Event, Variant
from lab.errors import LabError
from tests.unit.drills.coursing import (
    AFTER,
    BEFORE,
    CONVERGE_SECONDS,
    FAULT,
    PLAIN,
    RECOVERY,
    STEP_SECONDS,
    TIMELINE,
    Quiet,
    World,
    carry_out,
    carry_out_drill,
)
from tests.unit.drills.made import BEGUN, FIRST, HERE, OUTSIDE, PASSING, drill


def test_the_order_of_a_drill(world: World) -> None:
    carry_out(world, FIRST, OUTSIDE)

    assert world.done == [*BEFORE, *FAULT, *RECOVERY, *AFTER]
    assert not course.UNDER_WAY.exists()


def test_the_moments_of_a_drill(world: World) -> None:
    made = carry_out(world, FIRST, OUTSIDE)

    first = BEGUN + 2 * CONVERGE_SECONDS
    begun = first + 60
    assert (made.first, made.begun) == (first, begun)
    assert made.proved == begun + CONVERGE_SECONDS
    assert made.ended == begun + 180
    assert made.recovered == made.ended + CONVERGE_SECONDS
    assert made.last == made.recovered + 30
    assert [(one.at, one.says) for one in made.steps] == [(45.0, "first step"), (90.0, "second step")]


def test_a_fault_began_when_its_unit_did(world: World) -> None:
    world.began = BEGUN + CONVERGE_SECONDS + 60 + 15

    made = carry_out(world, FIRST)

    assert made.begun == world.began
    assert made.ended == world.began + 180


def test_a_step_that_takes_longer_prolongs_the_fault(world: World) -> None:
    made = carry_out(world, OUTSIDE, steps=(Step(0.9, "long", name="long"),))

    assert made.ended == made.begun + 162 + STEP_SECONDS


def test_a_fault_beyond_the_exchangers_needs_no_converge(world: World) -> None:
    carry_out(world, HERE, steps=())

    assert [one for one in world.done if one.startswith("converge")] == [
        PLAIN,
        "converge made-up/calm",
        PLAIN,
    ]
    assert world.done.index("controller: break here") < world.done.index("controller: broken here")


def test_another_order_of_the_exchangers_is_a_converge_too(world: World) -> None:
    carry_out_drill(world, replace(drill(), primary=Where.LAST))

    assert "converge made-up" in world.done


@pytest.mark.parametrize(
    ("variant", "inventory", "values"),
    [
        pytest.param("now", {"workers": 3}, ["", "made-up/calm", "made-up"], id="now"),
        pytest.param("then", {}, ["", "made-up/then/calm", "made-up/then"], id="then"),
        pytest.param("now", {}, ["", "made-up"], id="the plain inventory"),
    ],
)
def test_a_drill_meets_its_own_inventory_at_rest(
    world: World, variant: Variant, inventory: dict[str, object], values: list[str]
) -> None:
    carry_out_drill(world, replace(drill(FIRST), inventory=inventory), variant)

    converged = [one.removeprefix(PLAIN) for one in world.done if one.startswith("converge")]
    assert converged == [*values, ""]
    rested = [one for one in world.done if one.startswith("rest")]
    assert rested == [f"rest as {value or 'plain'}" for value in values[:-1]]


def test_the_database_is_there_before_the_hosts_are_converged_to_it(world: World) -> None:
    carry_out_drill(world, replace(drill(), needs_database=True))

    assert world.done[:2] == ["database", PLAIN]


def test_a_fault_that_takes_its_time_is_waited_for(world: World) -> None:
    world.unproved = 3

    made = carry_out(world, OUTSIDE, steps=())

    assert world.done.count("outside: broken outside") == 5
    assert not made.missed


def test_a_fault_that_does_not_take_effect_is_no_drill(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "PROOF_SECONDS", 0)
    world.unproved = 1

    with pytest.raises(LabError, match="the fault at outside: broken outside"):
        carry_out(world, OUTSIDE)

    assert world.done[-3:] == RECOVERY


def test_a_fault_that_is_gone_at_the_end_is_noted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(step: Step, begun: float) -> Event:
        world.unproved = 1
        return Event(0.0, "step", step.run)

    monkeypatch.setattr(course, "take", gone)

    made = carry_out(world, OUTSIDE, HERE)

    assert made.missed == ["the fault did not last: outside: broken outside"]


def test_a_fault_that_passes_by_itself_need_not_last(world: World) -> None:
    made = carry_out(world, PASSING, steps=())

    assert world.done.count("all: killed") == 1
    assert not made.missed


def test_the_display_tells_of_this_drill_s_letters(world: World) -> None:
    show = Quiet(world)
    world.so_far = lambda: "12 letters begun"  # type: ignore[method-assign]

    course.carry_out(drill(), "now", TIMELINE, (), 1, show)

    assert show._tells() == "12 letters begun"
