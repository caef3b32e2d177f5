"""What is not well in a report, in sentences: what decides the exit status of `mxctl status`.

Thresholds are the failover agent's, so that a screen that says "all well" and an agent that acts never
stand side by side.
"""

import math
from collections.abc import Iterator

from twinmx.failover.settings import Settings
from twinmx.mxctl import duration
from twinmx.mxctl.report import AgentState, HostReport, Report

_STALE_SECONDS = 120.0


def faults(report: Report, settings: Settings) -> list[str]:
    """Return a sentence for each thing that is wrong; none where all is well."""
    found = [
        f"{name}: {fault}"
        for name, host in report.hosts.items()
        for fault in (["nothing on it answers"] if host.silent else _of(host, settings))
    ]
    return [*found, *_mx(report, settings)]


def _of(host: HostReport, settings: Settings) -> Iterator[str]:
    if host.agent is None:
        yield "its failover agent is silent"
    else:
        yield from _agent(host.agent)
    for what, workers in (("forwarders", host.forwarders), ("gates", host.gates)):
        if workers.up < workers.of:
            yield f"{workers.of - workers.up} of {workers.of} {what} do not answer"
    yield from _queues(host)
    yield from _canary(host, settings.rules.canary.seconds)
    for engine in host.engines:
        if out := engine.breakers.open + engine.breakers.half_open:
            yield f"{engine.name} is left alone by {out} of {engine.breakers.all} workers (breaker)"
    if host.limits and host.limits.local:
        yield f"{host.limits.local} of {host.limits.of} workers count limits by themselves, without Valkey"
    if host.snapshot is None:
        yield "no worker tells of an alias snapshot"
    elif host.snapshot.source_age_seconds is not None and math.isinf(host.snapshot.source_age_seconds):
        yield "nobody tells when the database of the aliases was last read"


def _agent(agent: AgentState) -> Iterator[str]:
    if agent.state != "active":
        yield agent.state + (f": {agent.cause}" if agent.cause else "")
    if agent.bad:
        yield f"bad: {', '.join(agent.bad)}"
    if suspect := [rule for rule in agent.suspect if rule not in agent.bad]:
        yield f"looks bad, not for long enough to count: {', '.join(suspect)}"
    if not (agent.well or agent.bad or agent.suspect):
        yield "its agent does not know yet how it is"
    for wish in agent.recommends:
        yield f"its agent may not act, and recommends: {wish}"
    for what, detail in agent.faults.items():
        yield f"its agent cannot do what it decided: {what}: {detail}"


def _queues(host: HostReport) -> Iterator[str]:
    if host.queues is None:
        yield "twinmx-queues is silent"
        return
    for name, queue in host.queues.items():
        if math.isinf(queue.read_age_seconds):
            yield f"the queue {name} has not been read yet"
        elif queue.read_age_seconds > _STALE_SECONDS:
            yield f"the queue {name} was last read {duration.show(queue.read_age_seconds)} ago"


def _canary(host: HostReport, limit: float) -> Iterator[str]:
    if host.canary is None:
        yield "its canary is silent"
        return
    for via, way in host.canary.items():
        if way.known and way.last_seconds is None:
            yield f"its last canary through {via} did not come back"
        elif way.waiting_seconds > limit:
            yield f"its canary through {via} has been under way for {duration.show(way.waiting_seconds)}"
        elif way.last_seconds is not None and way.last_seconds > limit:
            yield f"its last canary through {via} took {duration.show(way.last_seconds)}"


def _mx(report: Report, settings: Settings) -> Iterator[str]:
    usual = [host.name for host in settings.hosts]
    for domain, preferences in report.mx.items():
        order = sorted(preferences, key=preferences.__getitem__)
        if order != usual:
            yield f"MX of {domain}: {', '.join(order)}; by the inventory {', '.join(usual)}"
