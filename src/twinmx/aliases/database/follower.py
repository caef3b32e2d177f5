"""`twinmx-aliases follow`: keep the snapshot of this host equal to the database, whatever that does.

It never ends because the database is away, frozen, slow or changed its password: the snapshot grows
older, which is a metric, and the next attempt comes after a pause that grows up to half a minute.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from twinmx.aliases.database.backoff import Backoff
from twinmx.aliases.database.connection import connect_to
from twinmx.aliases.database.metrics import SourceMetrics
from twinmx.aliases.database.pulling import Puller
from twinmx.aliases.database.settings import Settings
from twinmx.aliases.database.tables import CHANNEL
from twinmx.program.web import WebServer

WORKER = 1
GATHER_SECONDS = 0.1
"""After a notification: the statements that come close behind it are read together."""

COMPLETE_EVERY_SECONDS = 24 * 3600
"""Also what no trigger has seen (a row loaded with triggers off) arrives some day."""


class Follower:
    """One process on each exchanger."""

    def __init__(self, settings: Settings, passwords: Sequence[str]) -> None:
        self._settings = settings
        self._passwords = passwords
        self._metrics = SourceMetrics(settings.aliases.snapshot.parent)
        self._puller = Puller(settings, self._metrics)
        self._backoff = Backoff()
        self._completed = time.monotonic()
        self._log = structlog.get_logger()

    async def start(self, stack: AsyncExitStack) -> None:
        """Begin to follow and to serve metrics; what is to be undone goes on `stack`."""
        web = WebServer(self._metrics.registry, self._fault)
        await web.listen(str(self._settings.metrics.address), self._settings.metrics.port_base + WORKER)
        stack.push_async_callback(web.close)
        task = asyncio.create_task(self._follow())
        stack.push_async_callback(_end, task)

    def _fault(self) -> str | None:
        return None if self._puller.marker else "the database was never read"

    async def _follow(self) -> None:
        while True:
            try:
                await self._session()
            except Exception as error:  # whatever it is, the way out is to try again
                self._metrics.errors.inc()
                pause = self._backoff.pause()
                cause = f"{type(error).__name__}: {error}".splitlines()[0]
                self._log.warning("database not read", cause=cause, pause=round(pause, 1))
                await asyncio.sleep(pause)

    async def _session(self) -> None:
        """Follow over one connection until it fails."""
        timing = self._settings.timing
        engine = connect_to(self._settings.database, timing, self._passwords)
        news = asyncio.Event()
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(timing.connect_seconds + 1):
                connection, driver = await _connected(engine, stack)
                await driver.add_listener(CHANNEL, lambda *_: news.set())
            while True:
                news.clear()
                await self._pull(connection)
                self._backoff.reset()
                with suppress(TimeoutError):
                    async with asyncio.timeout(timing.poll_seconds):
                        await news.wait()
                        await asyncio.sleep(GATHER_SECONDS)

    async def _pull(self, connection: AsyncConnection) -> None:
        complete = time.monotonic() - self._completed > COMPLETE_EVERY_SECONDS
        await self._puller.pull(connection, complete=complete)
        if complete:
            self._completed = time.monotonic()


async def _connected(engine: AsyncEngine, stack: AsyncExitStack) -> tuple[AsyncConnection, Any]:
    """A connection for reading, and the driver's own below it; `stack` lets go of both."""
    connection = await engine.connect()
    driver: Any = (await connection.get_raw_connection()).driver_connection
    stack.push_async_callback(_drop, connection, driver)
    await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection, driver


async def _drop(connection: AsyncConnection, driver: Any) -> None:
    """Let go without a word: a frozen server answers no farewell, and would hold the next attempt up."""
    driver.terminate()
    with suppress(Exception):  # SQLAlchemy finds the connection gone; it was to be
        await connection.close()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
