"""`twinmx-vitals`: looks at what no packaged exporter can read, once a period."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import structlog
from prometheus_client import CollectorRegistry

from twinmx.program.life import live
from twinmx.program.web import WebServer
from twinmx.vitals.resolver import ResolverProbe
from twinmx.vitals.rspamd import RspamdFigures
from twinmx.vitals.settings import Settings


class Vitals:
    """The program, as worker `number`. It is well as long as it serves: what it sees is in its figures."""

    def __init__(self, settings: Settings, number: int) -> None:
        self._settings = settings
        self._number = number
        self._registry = CollectorRegistry()
        self._rspamd = RspamdFigures(settings.rspamd.socket)
        self._registry.register(self._rspamd)
        self._resolver = ResolverProbe(settings.resolver.domain, settings.period_seconds, self._registry)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raises `OSError` where the port cannot be had."""
        await live(self._number, self._start)

    async def _start(self, stack: AsyncExitStack) -> None:
        web = WebServer(self._registry, lambda: None)
        stack.push_async_callback(web.close)
        place = self._settings.metrics
        await web.listen(str(place.address), place.port_base + self._number)
        for what, look in (("rspamd", self._rspamd.read), ("resolver", self._resolver.ask)):
            stack.push_async_callback(_end, asyncio.create_task(self._watch(what, look)))

    async def _watch(self, what: str, look: Callable[[], Awaitable[None]]) -> None:
        log, was = structlog.get_logger(), ""
        while True:
            rest = asyncio.create_task(asyncio.sleep(self._settings.period_seconds))
            fault = await self._fault(look)
            if fault != was:  # once, not each time
                log.warning("not read" if fault else "read again", what=what, cause=fault)
            was = fault
            await rest

    async def _fault(self, look: Callable[[], Awaitable[None]]) -> str:
        try:
            async with asyncio.timeout(self._settings.period_seconds):
                await look()
        except TimeoutError:
            return "no answer in time"
        except Exception as error:  # whatever it is, the way out is to look again
            return repr(error)
        return ""


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
