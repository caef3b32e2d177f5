"""The course of a drill, from a pair at rest to a pair at rest: what is begun when, and what is noted of it.

Nothing is judged here. Whatever breaks on the way, the faults are taken out again, by a plain converge.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from drills.lib import converges, faults
from drills.lib.flow import Flows
from drills.lib.model import Drill, Step, Timeline
from drills.lib.record import Event, Variant
from drills.lib.show import Show
from drills.lib.steps import take
from lab.converging import Pair
from lab.database import EMPTY, brought_up, lab_aliases, sql
from lab.errors import LabError
from lab.rest import wait_for_rest
from lab.settings import ROOT
from lab.waiting import until
from lab.well import wait_until_whole

UNDER_WAY = ROOT / "build" / "drills" / "under-way.json"
"""Names the drill that is under way, so that another process can end it."""


@dataclass
class Course:
    """What happened when, in seconds since 1970. missed: what should have been in effect and was not."""

    flows: Flows
    first: float = 0.0
    begun: float = 0.0
    proved: float = 0.0
    ended: float = 0.0
    recovered: float = 0.0
    last: float = 0.0
    missed: list[str] = field(default_factory=list)
    steps: list[Event] = field(default_factory=list)


def carry_out(
    drill: Drill, variant: Variant, timeline: Timeline, steps: tuple[Step, ...], seed: int, show: Show
) -> Course:
    """Run it, and leave the pair as a plain converge makes it.

    Raises LabError where the pair is not at rest before, the fault does not take effect, or the pair does not
    come back.
    """
    course = Course(Flows.of(drill.streams, seed, timeline.seconds))
    show.tell_of(course.flows.so_far)
    with _under_way(drill, variant, course, show):
        _calm(drill, variant, show)
        course.first = course.begun = time.time()
        with course.flows.flowing(throughout=True):
            show.wait("ordinary mail", timeline.before)
            _suffer(drill, variant, timeline, steps, course, show)
            _recover(drill, course, show)
            show.wait("mail after the recovery", timeline.after)
        course.last = time.time()
        with show.phase("senders at their end"):
            course.flows.wait()
    with show.phase("both hosts whole"):
        wait_until_whole()
    return course


def _calm(drill: Drill, variant: Variant, show: Show) -> None:
    """Have both hosts be what the drill asks for, without its fault, and at rest.

    They come to rest as the inventory has them first: where nobody acts by himself, as then, nothing undoes
    what an agent did at the end of the drill before.
    """
    if drill.needs_database:
        with show.phase("the database, with the lab's aliases in it"):
            _bring_up_database()
    _rest(converges.PLAIN, show)
    if drill.inventory or variant == "then":
        _rest(converges.flag(drill.name, variant, calm=True), show)


def _rest(value: str, show: Show) -> None:
    with show.phase(f"converge: {value or 'plain'}"):
        converges.converge(value)
    with show.phase("both hosts at rest"):
        wait_for_rest(converges.exchange(value))


def _bring_up_database() -> None:
    pair = Pair(converges.INVENTORY, converges.exchange())
    sql(brought_up(pair), EMPTY, *lab_aliases(pair))


def _suffer(
    drill: Drill, variant: Variant, timeline: Timeline, steps: tuple[Step, ...], course: Course, show: Show
) -> None:
    """The fault, from its begin to the moment at which it may be mended."""
    if any(fault.where.on_exchangers for fault in drill.faults) or drill.primary:
        with show.phase("the fault, by a converge"):
            course.begun = time.time()
            converges.converge(converges.flag(drill.name, variant))
            course.begun = faults.began_on_exchangers(drill) or course.begun
    else:
        course.begun = time.time()
    faults.begin_beyond(drill)
    with course.flows.flowing(throughout=False):
        with show.phase("the fault is in effect"):
            faults.prove(drill)
        course.proved = time.time()
        _last(course.begun + timeline.fault, timeline, steps, course, show)
        course.missed += [f"the fault did not last: {one}" for one in faults.gone(drill)]
    course.ended = time.time()


def _last(end: float, timeline: Timeline, steps: tuple[Step, ...], course: Course, show: Show) -> None:
    """Let it last until `end`, with an operator's steps at their moments."""
    for step in sorted(steps, key=lambda one: one.at):
        show.wait("the fault", course.begun + step.at * timeline.fault - time.time())
        with show.phase(step.name):
            course.steps.append(take(step, course.begun))
    show.wait("the fault", end - time.time())


def _recover(drill: Drill, course: Course, show: Show) -> None:
    """End the faults: those beyond the exchangers, then by a plain converge all others."""
    with show.phase("recovery: a plain converge"):
        faults.end_beyond(drill)
        faults.wait_until_reached()
        converges.converge()
    course.recovered = time.time()


@contextmanager
def _under_way(drill: Drill, variant: Variant, course: Course, show: Show) -> Iterator[None]:
    """Say so to other processes, and take out whatever is in, also where the block was broken off."""
    if UNDER_WAY.exists():
        text = json.loads(UNDER_WAY.read_text())["drill"]
        raise LabError(f"{text} is under way, or was broken off", "python -m drills abort")
    UNDER_WAY.parent.mkdir(parents=True, exist_ok=True)
    UNDER_WAY.write_text(json.dumps({"drill": drill.name, "variant": variant, "since": time.time()}))
    try:
        yield
    finally:
        if not course.recovered:
            show.say("broken off: everything is put back")
            abort(drill)
        UNDER_WAY.unlink(missing_ok=True)


def abort(drill: Drill) -> None:
    """End the faults of `drill`, wherever they are, and converge, whatever became of the ends.

    Raises LabError where one of them fails; the drill is then still noted as under way.
    """
    try:
        faults.end_beyond(drill)
    finally:
        try:
            faults.wait_until_reached()
        finally:
            _converge_at_last()
    UNDER_WAY.unlink(missing_ok=True)


ABORT_SECONDS = 300


def _converge_at_last() -> None:
    """A plain converge, again and again for ABORT_SECONDS; raises LabError with what the last one said."""
    said = ""

    def converged() -> bool:
        nonlocal said
        try:
            converges.converge()
        except LabError as error:
            said = error.cause
            return False
        return True

    try:
        until(converged, ABORT_SECONDS, "a plain converge")
    except LabError as error:
        raise LabError(f"{error.cause}: {said}", "python -m drills abort") from error
