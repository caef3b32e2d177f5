"""Valkey as the mail path may use it: bounded waiting, and none at all while it is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from twinmx.limits.keys import Keys
from twinmx.limits.metrics import LimitMetrics
from twinmx.limits.store import Decided, Store

PROBE_SECONDS = 1.0
PROBE_PATIENCE_SECONDS = 2.0  # new connections, with TLS over a long link, take longer than a message waits

Answer = TypeVar("Answer")


class Guarded:
    """The store behind a breaker: the first failure opens it, a probe in the background closes it.

    One failure is enough, since there is another way to count and a wrong suspicion costs nothing.
    """

    def __init__(self, store: Store, wait_seconds: float, metrics: LimitMetrics) -> None:
        self._store = store
        self._wait_seconds = wait_seconds
        self._metrics = metrics
        self._probing: asyncio.Task[None] | None = None

    @property
    def away(self) -> bool:
        """Whether Valkey is left alone."""
        return self._probing is not None

    async def admit(self, keys: Keys) -> Decided | None:
        """`Store.admit`, or None where Valkey is away or fails."""
        return await self._ask(lambda: self._store.admit(keys))

    async def take_back(self, keys: Keys, stamp: int) -> None:
        """`Store.take_back` where Valkey is there; else the window forgets the message by itself."""
        await self._ask(lambda: self._store.take_back(keys, stamp))

    async def attempt(self, act: Callable[[Store], Awaitable[None]]) -> bool:
        """Do something else with the store; whether it was done."""

        async def acted() -> bool:
            await act(self._store)
            return True

        return bool(await self._ask(acted))

    async def close(self) -> None:
        """Stop probing and disconnect, as quickly as a message would be answered."""
        if self._probing:
            self._probing.cancel()
        await self._succeeds(self._store.close, self._wait_seconds)

    async def _ask(self, question: Callable[[], Awaitable[Answer]]) -> Answer | None:
        if self.away:
            return None
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await question()
        except Exception as error:  # whatever fails in counting must not cost a message
            self._leave_alone(error)
            return None

    def _leave_alone(self, error: Exception) -> None:
        self._metrics.failures.labels(type(error).__name__).inc()
        if self.away:
            return
        structlog.get_logger().warning("valkey away, counting locally", cause=_told(error))
        self._metrics.local.set(1)
        self._probing = asyncio.create_task(self._probe())

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            if await self._succeeds(self._store.probe, PROBE_PATIENCE_SECONDS):
                break
        self._probing = None
        self._metrics.local.set(0)
        structlog.get_logger().info("valkey is back")

    async def _succeeds(self, act: Callable[[], Awaitable[None]], seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await act()
        except Exception as error:
            self._metrics.failures.labels(type(error).__name__).inc()
            return False
        return True


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")
