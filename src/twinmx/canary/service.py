"""The program: its parts put together, started, and stopped."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

from aiohttp import web
from prometheus_client import CollectorRegistry

from twinmx.canary.book import Book
from twinmx.canary.flights import Flights, Home, Pace
from twinmx.canary.listener import Listener
from twinmx.canary.metrics import CanaryMetrics
from twinmx.canary.sender import Sender
from twinmx.canary.settings import Settings
from twinmx.canary.token import Signer
from twinmx.program.life import live
from twinmx.program.web import WebServer


class Canary:
    """One process on each exchanger; made inside its event loop. `keys` sign its messages."""

    def __init__(self, settings: Settings, keys: Sequence[bytes], number: int) -> None:
        self._settings = settings
        self._number = number
        self._registry = CollectorRegistry()
        send, signer = settings.send, Signer(keys)
        metrics = CanaryMetrics(self._registry, send.exchangers)
        self._book = Book(send.exchangers, send.lost_after_seconds, metrics)
        self._listener = Listener(
            name=settings.name,
            greeting=settings.listen.greeting,
            mailbox=settings.listen.mailbox,
            clients=[str(client) for client in settings.listen.clients],
            reject_score=settings.reject_score,
            signer=signer,
            book=self._book,
            metrics=metrics,
        )
        self._flights = Flights(
            Home(settings.name, settings.host, settings.alias, settings.listen.mailbox),
            {name: str(address) for name, address in send.exchangers.items()},
            Pace(send.interval_seconds, send.gtube_seconds),
            sender=Sender(settings.host, str(send.source), send.port, send.handover_seconds),
            signer=signer,
            book=self._book,
            metrics=metrics,
        )

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raises `OSError` where a port cannot be had."""
        await live(self._number, self.start)

    async def start(self, stack: AsyncExitStack) -> None:
        """Listen, then begin to send; what is to be undone goes on `stack`."""
        listen, metrics = self._settings.listen, self._settings.metrics
        page = WebServer(self._registry, self._fault, [web.get("/state", self._state)])
        stack.push_async_callback(page.close)
        await page.listen(str(metrics.address), metrics.port_base + self._number)
        stack.callback(self._listener.close)
        await self._listener.listen(str(listen.address), listen.port)
        flights = asyncio.create_task(self._flights.run())
        stack.push_async_callback(_end, flights)

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response(self._book.state())

    def _fault(self) -> str | None:
        return None if self._listener.listening else "not listening"


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
