"""One run of one variant of a drill: carried out, balanced, measured, judged."""

import os
import subprocess
import time
from dataclasses import replace

from drills.lib import figures, monitors
from drills.lib.course import Course, carry_out
from drills.lib.faults import run as run_at
from drills.lib.flow import Flow
from drills.lib.judge import Found, checks
from drills.lib.model import SHORT, Drill, Step, Timeline, Where
from drills.lib.record import Balance, Event, Phases, Record, Variant
from drills.lib.settling import found
from drills.lib.show import Show
from lab.errors import LabError
from lab.ledger import Moment, Result, Seen, account, refused_by_both
from lab.observed import Done, Told, done_since, first_act, first_alert, told_since
from lab.settings import ROOT


def timeline_of(drill: Drill, variant: Variant, *, short: bool) -> tuple[Timeline, tuple[Step, ...]]:
    """How long each phase is, and the operator's steps."""
    if variant == "now":
        return (SHORT if short else drill.timeline), drill.steps
    assert drill.then
    fault = drill.then.fault_seconds or drill.timeline.fault
    return replace(drill.timeline, fault=fault), drill.then.steps


def run(drill: Drill, variant: Variant, seed: int, show: Show, *, short: bool) -> Record:
    """Carry it out on the lab; raises LabError where it could not be."""
    record = Record(
        drill=drill.name,
        says=drill.says,
        replays=drill.replays,
        variant=variant,
        design=drill.then.says if drill.then and variant == "then" else "",
        short=short and variant == "now",
        started=time.time(),
        seed=seed,
        cores=os.cpu_count() or 1,
        load=os.getloadavg()[0],
        commit=_commit(),
    )
    timeline, steps = timeline_of(drill, variant, short=short)
    course = carry_out(drill, variant, timeline, steps, seed, show)
    with show.phase("the ledger: every letter is looked for"):
        seen = found(course.flows.all)
    _fill(record, drill, course, seen)
    return record


def _commit() -> str:
    """The commit that is run, with a plus where the checkout differs from it."""
    asked = ["git", "describe", "--always", "--dirty=+"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def _fill(record: Record, drill: Drill, course: Course, seen: dict[str, Seen]) -> None:
    """Everything that is measured, then what must hold."""
    begun = course.begun
    times = ("first", "proved", "ended", "recovered", "last")
    record.phases = Phases(**{name: getattr(course, name) - begun for name in times})
    results = {
        flow.stream.name: _result(drill, record.variant, course, flow, seen[flow.stream.name])
        for flow in course.flows.all
    }
    record.streams = [_balance(flow, results[flow.stream.name]) for flow in course.flows.all]
    _measure_delays(record, course, seen)
    everybody = [sent for flow in course.flows.all for sent in flow.letters]
    record.answers = figures.answers(everybody, begun, course.first, course.last)
    record.queues = monitors.queues(begun, course.first, course.last)
    record.engines = monitors.engines(begun, course.first, course.last)
    told, done = told_since(course.first), done_since(course.first)
    record.events = _events(told, done, course)
    alerts = drill.holds.alerts or tuple({one.name for one in told})
    record.seconds = {
        "detect": first_alert(told, alerts, begun, course.recovered),
        "act": first_act(done, drill.holds.act, begun, course.recovered),
        "recover": figures.recovery(record.windows, course.last - begun),
    }
    facts = Found(
        results=results,
        done=[one for one in done if one.at >= begun],
        missed=course.missed,
        both=refused_by_both(course.flows.bystanders),
        over=figures.taken_over(course.flows.bystanders, begun, course.ended),
        after=_after(drill),
    )
    record.checks = checks(drill, record, facts)


def _result(drill: Drill, variant: Variant, course: Course, flow: Flow, seen: Seen) -> Result:
    of_steps = drill.then.slots if drill.then and variant == "then" else 0
    moment = Moment(course.begun, course.recovered, drill.holds.slots + of_steps, drill.name)
    return account(flow.stream.name, flow.seed, flow.letters, seen, [moment])


def _balance(flow: Flow, result: Result) -> Balance:
    return Balance(
        name=flow.stream.name,
        bystander=flow.stream.bystander,
        sent=result.sent,
        accepted=result.accepted,
        refused=result.refused,
        gave_up=result.gave_up,
        delivered=result.delivered,
        quarantined=result.quarantined,
        bounced=result.bounced,
        queued=result.queued,
        lost=len(result.lost),
        duplicated=result.duplicated,
        explained=result.duplicated - len(result.unexplained),
    )


def _measure_delays(record: Record, course: Course, seen: dict[str, Seen]) -> None:
    copies = [
        copy
        for flow in course.flows.all
        if flow.stream.bystander
        for copy in figures.copies(flow.letters, seen[flow.stream.name])
    ]
    phases = figures.by_phase(copies, course.begun, course.ended)
    record.delays = {name: figures.delay(seconds) for name, seconds in phases.items()}
    record.windows = figures.windows(copies, course.begun, course.first, course.last)


def _events(told: list[Told], done: list[Done], course: Course) -> list[Event]:
    alerts = [Event(one.at - course.begun, "alert", one.name, one.host) for one in told]
    acts = [
        Event(one.at - course.begun, "act", one.says, one.by, one.cause, automatic=one.automatic)
        for one in done
    ]
    end = course.last - course.begun
    return sorted((one for one in (*alerts, *acts, *course.steps) if one.at <= end), key=lambda one: one.at)


def _after(drill: Drill) -> str | None:
    if not drill.holds.after:
        return None
    try:
        run_at(Where.CONTROLLER, drill.holds.after)
    except LabError as error:
        return str(error)
    return None
