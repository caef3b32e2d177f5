"""What the limits count about themselves."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
OUTCOMES = ("allowed", "alias", "mailbox")
PLACES = ("valkey", "local")


class LimitMetrics:
    """The limits' metrics in the registry of a worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        decisions = Counter(
            "twinmx_limits_decisions",
            "Messages allowed, or refused by a limit of their alias or mailbox, by who counted",
            ["outcome", "by"],
            registry=registry,
        )
        self._decisions = {
            (outcome, place): decisions.labels(outcome, place) for outcome in OUTCOMES for place in PLACES
        }
        self._seconds = Histogram(
            "twinmx_limits_seconds", "Seconds for a decision", buckets=_SECONDS, registry=registry
        )
        self.local = Gauge(
            "twinmx_limits_local",
            "1 while this worker counts by itself",
            registry=registry,
        )
        self.failures = Counter(
            "twinmx_limits_failures", "Questions to Valkey that failed", ["cause"], registry=registry
        )
        self.dropped = Counter(
            "twinmx_limits_statistics_dropped",
            "Messages that are missing in the statistics, Valkey being away",
            registry=registry,
        )

    def decided(self, outcome: str, place: str, seconds: float) -> None:
        """Count one decision."""
        self._decisions[outcome, place].inc()
        self._seconds.observe(seconds)
