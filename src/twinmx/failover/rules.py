"""Evidence made into readings: what is bad in this period, by the thresholds of the inventory.

A drain rule is bad only where it is ours alone: what the peer suffers as well (one slow destination, a lost
network, a flood) is no reason to send it more. Where its side cannot be seen, such a rule says nothing.

A host that is drained delivers next to nothing, so nobody could put it off: no news of its deliveries is good
news only when nothing waits there any more, or all of it was tried in vain long ago.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from twinmx.failover import evidence as ev
from twinmx.failover.evidence import Evidence, Way
from twinmx.failover.samples import Samples, Window
from twinmx.failover.settings import Settings

DRAIN_RULES = ("forwarders", "gates", "postfix", "canary", "pending", "deferrals", "disk")
STALE_SECONDS = 120.0
"""A reading of the queue that is older says nothing. A long queue takes long to read."""

LONGEST_BACKOFF_SECONDS = 4000.0
"""Of postfix-out (maximal_backoff_time, postconf(5)): by then all that waits has been tried again."""

HARMLESS = ("ok", "dropped", "busy")
"""Outcomes of a question that are not the engine's fault; see twinmx.spam.guard."""


@dataclass(frozen=True)
class Readings:
    """drain: rule → bad, good, unknown. silent: by peer. engines: engine → bad, good, unknown.

    scans: engine → outcome → how many of the window. figures: what peers compare with theirs.
    """

    drain: Mapping[str, bool | None]
    silent: Mapping[str, bool]
    engines: Mapping[str, bool | None]
    scans: Mapping[str, Mapping[str, float]]
    figures: Mapping[str, float]
    queue_empty: bool


class Rules:
    """The rules of one host, with what they must remember of the counters."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rules = settings.rules
        self._deliveries = Window(settings.rules.deferrals.window_seconds)
        self._scans = Window(settings.rules.engine.window_seconds)
        self._put_off_at = float("-inf")

    def read(self, evidence: Evidence, bypassed: frozenset[str], *, closed: bool) -> Readings:
        """Return the readings of one period.

        bypassed: the engines that are left out now. closed: whether this host is drained, or on its way.
        """
        fresh = self._fresh(evidence.queues)
        figures = self._count_deliveries(evidence.at, evidence.queues)
        drain = {
            "forwarders": evidence.forwarders == 0,
            "gates": evidence.gates == 0,
            "postfix": not evidence.greets,
            "canary": self._canary(evidence),
            "pending": self._pending(fresh),
            "deferrals": self._deferrals(figures, evidence, closed=closed),
            "disk": self._disk(evidence.queues),
        }
        silent = {name: peer.state is None and not peer.greets for name, peer in evidence.peers.items()}
        scans = self._count_scans(evidence)
        engines = self._engines(scans, evidence, bypassed)
        return Readings(drain, silent, engines, scans, figures, self._is_empty(fresh))

    def _fresh(self, queues: Samples | None) -> Samples | None:
        """The queues' samples, unless they are about a moment long ago."""
        ages = [age for _, age in queues.of(ev.READ_AGE)] if queues else []
        return queues if ages and max(ages) <= STALE_SECONDS else None

    def _is_empty(self, queues: Samples | None) -> bool:
        waiting = [
            queues.total(ev.QUEUED, instance="in", queue=queue) if queues else None
            for queue in ("incoming", "active")
        ]
        return all(number == 0 for number in waiting)

    def _pending(self, queues: Samples | None) -> bool | None:
        found = queues.of(ev.PENDING, instance="in", seconds="60") if queues else []
        waiting = [number for labels, number in found if labels.get("queue") != "hold"]
        return sum(waiting) > self._rules.pending.messages if waiting else None

    def _disk(self, queues: Samples | None) -> bool | None:
        """The gauges are measured as they are asked for, so they need no fresh reading of the queue."""
        rule = self._rules.disk
        free = queues.of(ev.FREE_BYTES) if queues else []
        inodes = queues.of(ev.FREE_INODES) if queues else []
        if not free:
            return None
        return any(value < rule.free_bytes for _, value in free) or any(
            value < rule.free_inodes for _, value in inodes
        )

    def _count_deliveries(self, at: float, queues: Samples | None) -> dict[str, float]:
        found = queues.of(ev.DELIVERIES, instance="out") if queues else []
        if found:
            counters = {(labels.get("transport", ""), labels.get("status", "")): n for labels, n in found}
            self._deliveries.take(at, "queues", counters)
        grown = self._deliveries.growth(at)
        deferred = sum(number for (_, status), number in grown.items() if status == "deferred")
        return {"deliveries": sum(grown.values()), "deferred": deferred}

    def _deferrals(self, figures: Mapping[str, float], evidence: Evidence, *, closed: bool) -> bool | None:
        reading = self._put_off(figures, evidence)
        if reading:
            self._put_off_at = evidence.at
        recently = evidence.at - self._put_off_at < LONGEST_BACKOFF_SECONDS
        if reading is None and closed and recently:
            waiting = evidence.queues and evidence.queues.total(ev.QUEUED, instance="out", queue="deferred")
            return True if waiting else None
        return reading

    def _put_off(self, figures: Mapping[str, float], evidence: Evidence) -> bool | None:
        rule = self._rules.deferrals
        if figures["deliveries"] < rule.deliveries:
            return None
        if _share(figures) < rule.share_percent:
            return False
        theirs = [peer.state.figures for peer in evidence.peers.values() if peer.state]
        known = [seen for seen in theirs if seen.get("deliveries", 0) >= rule.peer_deliveries]
        return any(_share(seen) < rule.share_percent / 2 for seen in known) if known else None

    def _canary(self, evidence: Evidence) -> bool | None:
        """Bad where all canaries are lost or late through us, and one arrives through somebody else.

        The first letter of our own canary may have met a host that was just starting: it says nothing bad.
        """
        name = self._settings.name
        seen = [canary.via for canary in evidence.canaries.values() if canary]
        own = evidence.canaries.get(name)
        if own is None or len(seen) < min(2, len(self._settings.hosts)):
            return None
        through_us = [self._late(via[name]) for via in seen if name in via]
        through_others = [self._late(way) for via in seen for other, way in via.items() if other != name]
        if None in through_us or not through_us:
            return None
        if all(through_us) and name in own.via and _is_first(own.via[name]):
            return None
        return all(through_us) and False in through_others

    def _late(self, way: Way) -> bool | None:
        limit = self._rules.canary.seconds
        if way.waiting > limit:
            return True
        if not way.delays:
            return None
        last = way.delays[-1]
        return last is None or last > limit

    def _count_scans(self, evidence: Evidence) -> dict[str, dict[str, float]]:
        for place, samples in evidence.workers.items():
            self._scans.take(evidence.at, place, samples.by(ev.SCANS, "engine", "outcome"))
        growth = self._scans.growth(evidence.at)
        return {
            engine: {outcome: number for (name, outcome), number in growth.items() if name == engine}
            for engine in self._settings.local.engines
        }

    def _engines(
        self, scans: Mapping[str, Mapping[str, float]], evidence: Evidence, bypassed: frozenset[str]
    ) -> dict[str, bool | None]:
        tripped = {
            labels.get("engine", "")
            for samples in evidence.workers.values()
            for labels, value in samples.of(ev.BREAKER)
            if value
        }
        return {
            engine: self._engine(outcomes, still_out=engine in bypassed and engine in tripped)
            for engine, outcomes in scans.items()
        }

    def _engine(self, outcomes: Mapping[str, float], *, still_out: bool) -> bool | None:
        """Whether it answers well; while it is left out, its breakers' own tries say whether it is back."""
        rule = self._rules.engine
        answered = outcomes.get("ok", 0.0)
        failed = sum(number for outcome, number in outcomes.items() if outcome not in HARMLESS)
        share = 100 * failed / (answered + failed) if answered + failed else 0.0
        if still_out or (answered + failed >= rule.scans and share >= rule.share_percent):
            return False
        return True if answered and share < rule.share_percent else None


def _is_first(way: Way) -> bool:
    """Whether no more than one letter was sent this way: its canary has just been started."""
    return len(way.delays) + (way.waiting > 0) <= 1


def _share(figures: Mapping[str, float]) -> float:
    """Percent of the deliveries that were deferred."""
    deliveries = figures.get("deliveries", 0.0)
    return 100 * figures.get("deferred", 0.0) / deliveries if deliveries else 0.0
