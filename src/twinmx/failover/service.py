"""The program: the agent, where it answers, and its tasks; started, and stopped without opening the port.

A drain outlives a restart of the agent by its lease, so that an update of it lets no mail in.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from twinmx.failover import pages
from twinmx.failover.agent import Agent
from twinmx.failover.settings import Settings
from twinmx.program.life import live
from twinmx.program.web import WebServer

SOCKET = "failover.sock"
_END_SECONDS = 1.0


class Service:
    """Worker `number`; `keys` sign promises, `tsig` is the secret of DNS updates where there are any."""

    def __init__(self, settings: Settings, keys: Sequence[bytes], tsig: str | None, number: int) -> None:
        self._settings = settings
        self._keys = keys
        self._tsig = tsig
        self._number = number

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raises `OSError` where a port or its memory cannot be had."""
        await live(self._number, self.start)

    async def start(self, stack: AsyncExitStack) -> None:
        """Remember, listen, then begin; what is to be undone goes on `stack`."""
        settings = self._settings
        session = await stack.enter_async_context(aiohttp.ClientSession())
        agent = Agent(settings, self._keys, self._tsig, session)
        page = WebServer(agent.registry, agent.fault, pages.for_peers(agent))
        stack.push_async_callback(page.close)
        await _operators(stack, settings.places.runtime / SOCKET, pages.for_operators(agent))
        await page.listen(str(settings.metrics.address), settings.metrics.port_base + self._number)
        _begin(stack, agent.run())
        if agent.records:
            _begin(stack, agent.records.run())


async def _operators(stack: AsyncExitStack, socket: Path, routes: Iterable[web.AbstractRouteDef]) -> None:
    application = web.Application()
    application.router.add_routes(routes)
    runner = web.AppRunner(application, access_log=None)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.UnixSite(runner, socket).start()
    await asyncio.to_thread(socket.chmod, 0o600)


def _begin(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    stack.push_async_callback(_end, task)


async def _end(task: asyncio.Task[None]) -> None:
    while not task.done():
        task.cancel()  # more than once: before Python 3.12 `wait_for`, in dnspython, may swallow one
        await asyncio.wait([task], timeout=_END_SECONDS)
    with suppress(asyncio.CancelledError):
        task.result()
