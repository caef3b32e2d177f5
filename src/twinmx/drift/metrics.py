"""The report as metrics, in a file that the node exporter reads (its textfile collector)."""

import time
from collections import Counter
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from twinmx.drift.finding import KINDS, Report


class DriftMetrics:
    """What the last comparison found."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.findings = Gauge(
            "twinmx_drift", "Differences from the last converge, by kind", ["kind"], registry=registry
        )
        self.errors = Gauge("twinmx_drift_errors", "Kinds that could not be looked at", registry=registry)
        self.at = Gauge("twinmx_drift_checked_seconds", "When this host was last compared", registry=registry)


def write(report: Report, path: Path) -> None:
    """Replace the file at `path`, readable by all."""
    registry = CollectorRegistry()
    metrics = DriftMetrics(registry)
    counted = Counter(finding.kind for finding in report.findings)
    for kind in KINDS:
        metrics.findings.labels(kind).set(counted[kind])
    metrics.errors.set(len(report.errors))
    metrics.at.set(time.time())
    write_to_textfile(str(path), registry)
    path.chmod(0o644)
