"""What people are shown of a host beside what its agent decides by: queues, workers, engines, limits.

It is made of the same evidence, and nothing rests on it. /state carries it, so that the status page of every
host shows all of them.
"""

import math
from collections.abc import Mapping
from typing import Any

from twinmx.failover import evidence as ev
from twinmx.failover.evidence import Evidence
from twinmx.failover.rules import HARMLESS, STALE_SECONDS, Readings
from twinmx.failover.samples import Samples, Window
from twinmx.failover.settings import Settings

MOST_ACCOUNTS = 5
_MOST_ANSWERS = 0.95


class Figures:
    """The figures of one host, with what must be remembered of the counters."""

    def __init__(self, settings: Settings) -> None:
        self._local = settings.local
        window = settings.rules.engine.window_seconds
        self._seconds, self._refused = Window(window), Window(window)

    def read(self, evidence: Evidence, readings: Readings) -> dict[str, Any]:
        """The figures of one period, ready for JSON; what is not known is None or left out."""
        return {
            "queues": _queues(evidence.queues) if evidence.queues else {},
            "workers": {
                "forwarders": [evidence.forwarders, self._local.forwarders],
                "gates": [evidence.gates, self._local.gates],
            },
            "engines": self._engines(evidence, readings),
            "limits": self._limits(evidence),
        }

    def _engines(self, evidence: Evidence, readings: Readings) -> dict[str, dict[str, float | None]]:
        for place, samples in evidence.workers.items():
            self._seconds.take(evidence.at, place, samples.by(ev.SCAN_SECONDS, "engine", "le"))
        seconds = self._seconds.growth(evidence.at)
        return {
            engine: {
                "well": well,
                "seconds": _most({le: number for (name, le), number in seconds.items() if name == engine}),
                "failed": _failed(readings.scans.get(engine, {})),
            }
            for engine, well in readings.engines.items()
        }

    def _limits(self, evidence: Evidence) -> dict[str, Any]:
        alone: list[float] = []
        for place, samples in evidence.workers.items():
            self._refused.take(evidence.at, place, samples.by(ev.REFUSED, "account"))
            alone += [value for _, value in samples.of(ev.ALONE)]
        refused = {account: number for (account, _), number in self._refused.growth(evidence.at).items()}
        most = sorted(refused.items(), key=lambda pair: -pair[1])[:MOST_ACCOUNTS]
        return {"alone": any(alone) if alone else None, "refused": sum(refused.values()), "accounts": most}


def _queues(samples: Samples) -> dict[str, float]:
    """Messages by instance without those on hold, where the queues were read lately."""
    found: dict[str, float] = {}
    for labels, age in samples.of(ev.READ_AGE):
        instance = labels.get("instance", "")
        queues = samples.of(ev.QUEUED, instance=instance)
        messages = sum(number for queue, number in queues if queue.get("queue") != "hold")
        if queues and age <= STALE_SECONDS and math.isfinite(messages):
            found[instance] = messages
    return found


def _failed(outcomes: Mapping[str, float]) -> float | None:
    """The share of the scans that were late or failed."""
    answered = outcomes.get("ok", 0.0)
    failed = sum(number for outcome, number in outcomes.items() if outcome not in HARMLESS)
    return failed / (answered + failed) if answered + failed else None


def _most(buckets: dict[str, float]) -> float | None:
    """Seconds in which 95 % were done, by the bounds of a histogram (`le`); None where more took longer."""
    bounds = sorted((float(le), number) for le, number in buckets.items())
    enough = _MOST_ANSWERS * bounds[-1][1] if bounds else 0.0
    return next((bound for bound, number in bounds if number >= enough and math.isfinite(bound)), None)
