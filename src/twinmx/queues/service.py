"""`twinmx-queues`: one process on each exchanger, which only looks.

A queue is read every interval, and a large one less often, so that reading takes a fifth of the time at
most: each reading opens every queue file, on the disk that mail waits for.
"""

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from twinmx.program.life import live
from twinmx.program.web import WebServer
from twinmx.queues.deliveries import DeliveryLog
from twinmx.queues.journal import Journal
from twinmx.queues.metrics import DeliveryMetrics, QueueMetrics
from twinmx.queues.reading import QueueError, read
from twinmx.queues.settings import InstanceName, Settings
from twinmx.queues.summary import Summary

REST = 4
"""A reading is followed by at least so many times its length without one."""


class Queues:
    """The program, as worker `number`."""

    def __init__(self, settings: Settings, number: int) -> None:
        self._settings = settings
        self._number = number
        self._registry = CollectorRegistry()
        self._queues = QueueMetrics(self._registry)
        names = {instance.syslog_name: name for name, instance in settings.instances.items()}
        self._deliveries = DeliveryLog(names)
        self._journal = Journal(self._told)
        self._counted = DeliveryMetrics(self._registry, settings.log.ignore, self._journal.age)
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raises `OSError` where a port cannot be had."""
        await live(self._number, self._start)

    async def _start(self, stack: AsyncExitStack) -> None:
        for name, instance in self._settings.instances.items():
            self._queues.watch(name, instance.queue_directory)
        web = WebServer(self._registry, self._fault)
        stack.push_async_callback(web.close)
        place = self._settings.metrics
        await web.listen(str(place.address), place.port_base + self._number)
        for work in (*map(self._watch, self._settings.instances), self._journal.follow()):
            stack.push_async_callback(_end, asyncio.create_task(work))

    def _fault(self) -> str | None:
        missing = self._queues.never_read(self._settings.instances)
        return f"never read: {', '.join(missing)}" if missing else None

    async def _watch(self, name: InstanceName) -> None:
        was: str | None = None
        while True:
            begun = time.monotonic()
            fault = await self._look(name)
            if fault != was:  # once, not at each of hundreds of attempts
                self._log.warning(
                    "queue not read" if fault else "queue read again", instance=name, cause=fault
                )
            was = fault
            took = time.monotonic() - begun
            await asyncio.sleep(max(self._settings.timing.interval_seconds - took, REST * took))

    async def _look(self, name: InstanceName) -> str | None:
        """Read the queues of `name` once; returns what went wrong."""
        summary = Summary(name, time.time())
        try:
            await read(self._settings.instances[name], self._settings.timing.read_seconds, summary.add)
        except Exception as error:  # whatever it is, the way out is to try again
            self._queues.failed(name)
            return str(error) if isinstance(error, QueueError) else repr(error)
        self._queues.read(name, summary)
        return None

    def _told(self, identifier: str, text: str) -> None:
        delivery = self._deliveries.parse(identifier, text)
        if delivery is not None:
            self._counted.count(delivery)


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
