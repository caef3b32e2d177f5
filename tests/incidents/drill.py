"""One incident: mail flows, something breaks and stays broken, nobody helps, and what happens is timed.

It is a drill of tests/faults with another question. There the fault is short and the balance counts; here it
lasts, and what counts is how soon the hosts notice, act, and have mail flow as if nothing were wrong.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from lab import rest
from lab.mx_order import MxOrder
from lab.observed import done_since, first_act, first_alert, told_since
from lab.settings import LAB
from lab.traffic import Load
from lab.waiting import until
from tests.faults import drill
from tests.faults.drill import Drill
from tests.incidents.verdict import Expected, Report, Seconds, recovery

LEAD_SECONDS = 40
"""Ordinary mail before the fault: longer than the window of the alerts, so that they know what is usual."""

TAIL_SECONDS = 15
"""Mail after the repair."""

BITE_SECONDS = 30
"""Within this a fault shows that it is there."""


@dataclass(frozen=True)
class Fault:
    """breaks: breaks something on entry and mends it on exit. bites: whether it is broken now."""

    breaks: Callable[[Drill], AbstractContextManager[None]]
    bites: Callable[[], bool]


@dataclass(frozen=True)
class Incident:
    """A fault that stays: it must bite soon after its begin, and still at its end.

    slots: messages that what it kills may have in hand. around: what the hosts are like meanwhile, put so
    before and back after. needs: raises UnavailableError where the fault cannot be had. burst: letters that
    come at the same moment.
    """

    name: str
    says: str
    fault: Fault
    expected: Expected
    slots: int = 0
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    needs: Callable[[], None] = lambda: None
    burst: int = 1
    seconds: float | None = None
    """How long it lasts, where that is not what all others do."""


@dataclass
class _Course:
    """When it began and ended, and what was wrong with it."""

    begun: float = 0.0
    ended: float = 0.0
    objections: list[str] = field(default_factory=list)


def run(incident: Incident, seconds: float, rate: float, seed: int) -> Report:
    """Have `incident` last so many `seconds` under `rate` letters a second, and leave the pair at rest.

    Raises UnavailableError where the fault cannot be had, LabError where a host does not come back.
    """
    incident.needs()
    seconds = incident.seconds or seconds
    load = Load(
        messages=int(rate * (LEAD_SECONDS + seconds + TAIL_SECONDS)),
        rate=rate,
        connections=100,
        seed=seed,
        patience_seconds=2 * seconds + 300,
        burst=incident.burst,
        order=MxOrder(LAB.hosts, LAB.domains[0]),
    )
    course = _Course()
    with incident.around():
        rest.wait_for_rest()
        case = drill.Case(incident.name, incident.says, lambda given: _let(incident, given, seconds, course))
        carried = drill.carry_out(case, load)
    carried.result.objections += course.objections
    begun, ended = course.begun, course.ended
    told, done = told_since(begun), done_since(begun)
    expected = incident.expected
    times = Seconds(
        first_alert(told, expected.alerts, begun, ended),
        first_act(done, expected.act, begun, ended),
        recovery(carried.letters, carried.seen, begun, ended),
    )
    return Report(expected, carried.result, times, ended - begun, told, done)


def _let(incident: Incident, given: Drill, seconds: float, course: _Course) -> None:
    """Have the fault last beside the traffic; nothing else is done."""
    given.until_sent(LEAD_SECONDS * given.load.rate / given.load.messages)
    course.begun = time.time()
    with given.moment(incident.name, incident.slots), incident.fault.breaks(given):
        until(incident.fault.bites, BITE_SECONDS, f"{incident.name}: the fault itself")
        given.last(course.begun + seconds - time.time())
        if not incident.fault.bites():
            course.objections.append("the fault did not last: it was gone before it was mended")
        behind = incident.expected.put_behind
        if behind and behind in rest.preferred():
            course.objections.append(f"to the end DNS had {behind} first")
        course.ended = time.time()
