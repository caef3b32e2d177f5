"""What the forwarder counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)


class ForwarderMetrics:
    """The metrics of one worker, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._children: dict[tuple[Counter, str], Counter] = {}
        self.messages = Counter(
            "twinmx_forwarder_messages",
            "Messages answered, by outcome",
            ["outcome"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "twinmx_forwarder_seconds",
            "Seconds from the last byte of a message to the reply",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "twinmx_forwarder_in_flight", "Messages being worked on", registry=self.registry
        )
        self.scanned = Counter(
            "twinmx_forwarder_scanned",
            "Messages with a verdict, by the program that asked the engines",
            ["by"],
            registry=self.registry,
        )
        self.connections = Gauge("twinmx_forwarder_connections", "SMTP sessions open", registry=self.registry)
        self.snapshot_age = Gauge(
            "twinmx_aliases_snapshot_age_seconds",
            "Seconds since the alias snapshot was built; NaN where there is none",
            registry=self.registry,
        )
        self.snapshot_aliases = Gauge(
            "twinmx_aliases_snapshot_aliases", "Aliases in the snapshot", registry=self.registry
        )

    def count(self, outcome: str, scanned_by: str | None, seconds: float) -> None:
        """Count one message and the seconds it took."""
        self._child(self.messages, outcome).inc()
        if scanned_by is not None:
            self._child(self.scanned, scanned_by).inc()
        self.seconds.observe(seconds)

    def count_canary(self) -> None:
        """Count a message of the canary, whatever became of it: it is in no other figure of users' mail."""
        self._child(self.messages, "canary").inc()

    def _child(self, counter: Counter, label: str) -> Counter:
        """Return the counter for a label value: the library's own look-up takes a lock and builds strings."""
        key = (counter, label)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = counter.labels(label)
        return child
