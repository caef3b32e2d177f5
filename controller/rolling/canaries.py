"""Whether the canaries' messages come back through a host: what their counters say, look by look."""

from dataclasses import dataclass, replace

from prometheus_client.parser import text_string_to_metric_families

ARRIVED = "twinmx_canary_arrived_total"
FAILED = ("twinmx_canary_lost_total", "twinmx_canary_refused_total")


@dataclass(frozen=True)
class Counts:
    """Messages of one canary through one exchanger since that canary was started."""

    arrived: float
    failed: float

    @classmethod
    def read(cls, metrics: str, via: str) -> "Counts | None":
        """From the text of its metrics; None where it does not try `via`."""
        found = {
            sample.name: sample.value
            for family in text_string_to_metric_families(metrics)
            for sample in family.samples
            if sample.labels.get("via") == via
        }
        if ARRIVED not in found:
            return None
        return cls(found[ARRIVED], sum(found.get(name, 0.0) for name in FAILED))


@dataclass(frozen=True)
class Streak:
    """How many messages came back in a row; one that did not begins it anew, and so does a new canary."""

    last: Counts
    good: float = 0.0

    def on(self, seen: Counts) -> "Streak":
        """With another look at the counters."""
        if seen.failed != self.last.failed or seen.arrived < self.last.arrived:
            return Streak(seen)
        return replace(self, last=seen, good=self.good + seen.arrived - self.last.arrived)
