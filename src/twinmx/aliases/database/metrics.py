"""What the follower measures. The age is what an alert watches: mail goes on, with older aliases."""

import math
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

READ_MARK = "source-read"
"""Beside the snapshot: its time of change is the last successful reading, also across restarts."""


class SourceMetrics:
    """The metrics of one follower; `directory` is the snapshot's."""

    def __init__(self, directory: Path) -> None:
        self.registry = CollectorRegistry()
        self._mark = directory / READ_MARK
        age = Gauge(
            "twinmx_aliases_source_age_seconds",
            "Seconds since the database was last read; +Inf where it never was",
            registry=self.registry,
        )
        age.set_function(self._age)
        self._changed = 0.0
        change = Gauge(
            "twinmx_aliases_source_change_age_seconds",
            "Seconds since the database last had a change for this host; NaN since the start",
            registry=self.registry,
        )
        change.set_function(lambda: time.time() - self._changed if self._changed else math.nan)
        self.rejected = Gauge(
            "twinmx_aliases_source_rejected_rows",
            "Rows that break a rule and are left out, of those read since the start",
            registry=self.registry,
        )
        self.pulls = Counter(
            "twinmx_aliases_source_pulls",
            "Successful readings: complete, or of changes",
            ["kind"],
            registry=self.registry,
        )
        self.pull_seconds = Histogram(
            "twinmx_aliases_source_pull_seconds",
            "Seconds of a reading, the change of the snapshot included",
            ["kind"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
            registry=self.registry,
        )
        self.errors = Counter("twinmx_aliases_source_errors", "Readings that failed", registry=self.registry)

    def read(self, kind: str, seconds: float, *, changed: bool) -> None:
        """A reading of `kind` succeeded; `changed`: it brought something new."""
        self._mark.touch()
        self.pulls.labels(kind).inc()
        self.pull_seconds.labels(kind).observe(seconds)
        if changed:
            self._changed = time.time()

    def _age(self) -> float:
        try:
            return max(0.0, time.time() - self._mark.stat().st_mtime)
        except OSError:
            return math.inf
