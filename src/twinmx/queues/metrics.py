"""What is measured of the queues and of deliveries."""

import math
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from twinmx.queues.deliveries import STAGES, Delivery
from twinmx.queues.reasons import REASONS
from twinmx.queues.settings import InstanceName
from twinmx.queues.summary import OLDER_THAN, QUEUES, Summary

_SECONDS = (
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    *(60, 120, 300, 600, 1800, 3600, 7200, 21600),
)
_ALWAYS: tuple[tuple[InstanceName, str], ...] = (("in", "fwd"), ("out", "smtp"))
"""Shown from the start with 0, or the first of a kind would be no increase."""


class QueueMetrics:
    """What is in the queues, in `registry`; figures stay as they are while a queue cannot be read."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._messages = Gauge(
            "twinmx_queue_messages", "Messages, by queue", ["instance", "queue"], registry=registry
        )
        self._oldest = Gauge(
            "twinmx_queue_oldest_seconds",
            "Age of the oldest message; 0 where there is none",
            ["instance", "queue"],
            registry=registry,
        )
        self._older = Gauge(
            "twinmx_queue_messages_older",
            "Messages that arrived more than so many seconds ago",
            ["instance", "queue", "seconds"],
            registry=registry,
        )
        self._deferred = Gauge(
            "twinmx_queue_deferred_messages",
            "Messages of the deferred queue, by why the last attempt failed",
            ["instance", "reason"],
            registry=registry,
        )
        self._read_age = Gauge(
            "twinmx_queue_read_age_seconds",
            "Seconds since the queues were last read completely; +Inf where they never were",
            ["instance"],
            registry=registry,
        )
        self._read_errors = Counter(
            "twinmx_queue_read_errors",
            "Readings that failed or took too long",
            ["instance"],
            registry=registry,
        )
        self._bytes = Gauge(
            "twinmx_queue_free_bytes",
            "Free bytes on the disk of the queues, for whoever is not root; NaN where it does not tell",
            ["instance"],
            registry=registry,
        )
        self._inodes = Gauge(
            "twinmx_queue_free_inodes",
            "Free inodes there; +Inf where the file system has no limit",
            ["instance"],
            registry=registry,
        )
        self._read_at: dict[InstanceName, float] = {}

    def watch(self, instance: InstanceName, directory: Path) -> None:
        """Begin with `instance`, whose queues are below `directory`."""
        self._read_age.labels(instance).set_function(self._age_of(instance))
        self._read_errors.labels(instance)
        self._bytes.labels(instance).set_function(lambda: _asked(directory, _free_bytes))
        self._inodes.labels(instance).set_function(lambda: _asked(directory, _free_inodes))

    def read(self, instance: InstanceName, summary: Summary) -> None:
        """The queues of `instance` are as `summary` says."""
        for queue in QUEUES:
            self._messages.labels(instance, queue).set(summary.messages[queue])
            self._oldest.labels(instance, queue).set(summary.oldest.get(queue, 0))
            for seconds in OLDER_THAN:
                self._older.labels(instance, queue, str(seconds)).set(summary.older[queue, seconds])
        for reason in REASONS:
            self._deferred.labels(instance, reason).set(summary.deferred[reason])
        self._read_at[instance] = time.monotonic()

    def failed(self, instance: InstanceName) -> None:
        """A reading came to nothing."""
        self._read_errors.labels(instance).inc()

    def never_read(self, instances: Collection[InstanceName]) -> list[InstanceName]:
        """Those of `instances` of which nothing is known yet."""
        return [instance for instance in instances if instance not in self._read_at]

    def _age_of(self, instance: InstanceName) -> Callable[[], float]:
        return lambda: time.monotonic() - self._read_at.get(instance, -math.inf)


class DeliveryMetrics:
    """What the log says; deliveries to the addresses in `ignore` are left out. `log_age`: of the reading."""

    def __init__(
        self, registry: CollectorRegistry, ignore: Collection[str], log_age: Callable[[], float]
    ) -> None:
        self._ignore = frozenset(ignore)
        self._deliveries = Counter(
            "twinmx_deliveries",
            "Attempts to deliver to one recipient, by outcome; expired: messages given up",
            ["instance", "transport", "status"],
            registry=registry,
        )
        self._stages = Histogram(
            "twinmx_delivery_stage_seconds",
            "Seconds of what was sent, by stage: Postfix's delays=a/b/c/d",
            ["instance", "transport", "stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._seconds = Histogram(
            "twinmx_delivery_seconds",
            "Seconds from arrival in this instance until it was sent: Postfix's delay=",
            ["instance", "transport"],
            buckets=_SECONDS,
            registry=registry,
        )
        age = Gauge(
            "twinmx_log_read_age_seconds",
            "Seconds since a line of the mail log was last read; a quiet host writes one at each canary",
            registry=registry,
        )
        age.set_function(log_age)
        for instance, transport in _ALWAYS:
            self._seconds.labels(instance, transport)
            for status in ("sent", "deferred", "bounced"):
                self._deliveries.labels(instance, transport, status)

    def count(self, delivery: Delivery) -> None:
        """Count `delivery`, unless it is nobody's mail."""
        if not self._ignore.isdisjoint(address.casefold() for address in delivery.addresses):
            return
        instance, transport = delivery.instance, delivery.transport
        self._deliveries.labels(instance, transport, delivery.status).inc()
        if delivery.status == "sent":
            self._seconds.labels(instance, transport).observe(delivery.seconds)
            for stage, seconds in zip(STAGES, delivery.stages, strict=True):
                self._stages.labels(instance, transport, stage).observe(seconds)


def _asked(directory: Path, figure: Callable[[os.statvfs_result], float]) -> float:
    try:
        return figure(os.statvfs(directory))
    except OSError:
        return math.nan  # or the whole page would fail


def _free_bytes(seen: os.statvfs_result) -> float:
    return seen.f_bavail * seen.f_frsize


def _free_inodes(seen: os.statvfs_result) -> float:
    return seen.f_favail if seen.f_files else math.inf
