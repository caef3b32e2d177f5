"""What the spam chain counts, the same in every program that scans."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)


class SpamMetrics:
    """The metrics of a chain, in the registry of its program. A timeout is a scan with the outcome `late`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.scans = Counter(
            "twinmx_spam_scans",
            "Questions to a spam engine, by what became of them",
            ["engine", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "twinmx_spam_scan_seconds",
            "Seconds from a question to a spam engine to its answer, or to the end of the wait for it",
            ["engine"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.hedges = Counter(
            "twinmx_spam_hedges",
            "Questions asked because the engine before was past its budget",
            ["engine"],
            registry=registry,
        )
        self.hedges_won = Counter(
            "twinmx_spam_hedges_won", "Hedges that gave the verdict", ["engine"], registry=registry
        )
        self.breaker_state = Gauge(
            "twinmx_spam_breaker_state",
            "0 closed: asked; 1 open: left alone; 2 half-open: being tried",
            ["engine"],
            registry=registry,
        )
        self.unscanned = Counter(
            "twinmx_spam_unscanned",
            "Messages without a score: late (deadline), failed, out (no engine to ask), off (none wanted)",
            ["reason"],
            registry=registry,
        )
        self.overrides_damaged = Gauge(
            "twinmx_spam_overrides_damaged",
            "1 where the operator's overrides cannot be read and are ignored",
            registry=registry,
        )
