"""What the gate counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

MAX_ACCOUNTS = 100
OTHER = "other"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)


class GateMetrics:
    """The metrics of one worker, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.connections = Gauge("twinmx_gate_connections", "Sessions of Postfix open", registry=registry)
        self.messages = Counter(
            "twinmx_gate_messages", "Messages answered, by outcome", ["outcome"], registry=registry
        )
        self.recipients = Counter(
            "twinmx_gate_recipients", "Recipients answered, by outcome", ["outcome"], registry=registry
        )
        self.seconds = Histogram(
            "twinmx_gate_seconds",
            "Seconds from the end of a message to the answer",
            buckets=_SECONDS,
            registry=registry,
        )
        self._limited = Counter(
            "twinmx_gate_limited",
            f"Recipients refused over a limit, by account; the first {MAX_ACCOUNTS}, then {OTHER}",
            ["account"],
            registry=registry,
        )
        self._accounts: set[str] = set()

    def count_limited(self, account: str | None) -> None:
        """Count a refusal over a limit; strangers choose who is flooded, so the labels are bounded."""
        label = account or OTHER
        if label not in self._accounts:
            if len(self._accounts) >= MAX_ACCOUNTS:
                label = OTHER
            self._accounts.add(label)
        self._limited.labels(label).inc()
