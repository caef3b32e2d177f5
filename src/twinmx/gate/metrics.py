"""What the gate counts."""

from collections import OrderedDict

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
            f"Recipients refused over a limit, by account, or alias without one: the last {MAX_ACCOUNTS}; "
            f"{OTHER}: addresses that are nobody's",
            ["account"],
            registry=registry,
        )
        self._accounts: OrderedDict[str, None] = OrderedDict()

    def count(self, outcome: str, seconds: float | None) -> None:
        """Count one message, and the seconds to its answer where they are of interest."""
        self.messages.labels(outcome).inc()
        if seconds is not None:
            self.seconds.observe(seconds)

    def count_limited(self, account: str | None) -> None:
        """Count a refusal over a limit. Strangers choose who is flooded, so the labels are bounded: whoever
        was refused last longest ago goes, and a flood of today has its name whatever was before.
        """
        label = account or OTHER
        self._accounts[label] = None
        self._accounts.move_to_end(label)
        if len(self._accounts) > MAX_ACCOUNTS:
            self._limited.remove(self._accounts.popitem(last=False)[0])
        self._limited.labels(label).inc()
