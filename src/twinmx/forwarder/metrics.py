"""What the forwarder counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)


class ForwarderMetrics:
    """The metrics of one worker, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
        self.connections = Gauge("twinmx_forwarder_connections", "SMTP sessions open", registry=self.registry)
        self.scans = Counter(
            "twinmx_spam_scans",
            "Questions to a spam engine, by what became of them",
            ["engine", "outcome"],
            registry=self.registry,
        )
        self.scan_seconds = Histogram(
            "twinmx_spam_scan_seconds",
            "Seconds from a question to a spam engine to its answer or end",
            ["engine"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.unscanned = Counter(
            "twinmx_spam_unscanned", "Messages that no engine scored", registry=self.registry
        )
        self.snapshot_age = Gauge(
            "twinmx_aliases_snapshot_age_seconds",
            "Seconds since the alias snapshot was built; NaN where there is none",
            registry=self.registry,
        )
        self.snapshot_aliases = Gauge(
            "twinmx_aliases_snapshot_aliases", "Aliases in the snapshot", registry=self.registry
        )

    def observe_scan(self, engine: str, outcome: str, seconds: float) -> None:
        """Count one question to an engine."""
        self.scans.labels(engine, outcome).inc()
        self.scan_seconds.labels(engine).observe(seconds)
