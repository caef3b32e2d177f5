"""The MX records kept as the state wants them, by a task of its own: a slow name server holds nothing up."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from twinmx.failover import mx
from twinmx.failover.dns import ConflictError, DnsError, MxSet, Zones
from twinmx.failover.policy import Policy
from twinmx.failover.state import State

_IDLE_PERIODS = 6
_LONGEST_PAUSE_SECONDS = 60.0


class Records:
    """What is known of the records, and the work on them. `state` returns what is on disk.

    unread: domains at which the last look failed.
    """

    def __init__(self, policy: Policy, zones: Zones, state: Callable[[], State]) -> None:
        self._policy = policy
        self._zones = zones
        self._state = state
        self._pause = policy.period_seconds
        self.news = asyncio.Event()
        self.orders: dict[str, mx.Order | None] = dict.fromkeys(policy.domains)
        self.preferences: dict[str, dict[str, int]] = {}
        self.unread: set[str] = set(policy.domains)
        self.fault: str | None = None

    async def run(self) -> None:
        """Look and mend for ever: soon after `news`, at each period while in flux, else more seldom."""
        while True:
            self.news.clear()
            pause = await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self.news.wait()

    async def look(self) -> float:
        """Look at every domain once, and mend; returns the seconds to wait until the next time."""
        faults = [fault for domain in self._policy.domains if (fault := await self._domain(domain))]
        if faults and faults[0] != self.fault:
            structlog.get_logger().warning("dns", detail=faults[0], domains=len(faults))
        self.fault = faults[0] if faults else None
        if faults:
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
            return self._pause
        self._pause = self._policy.period_seconds
        return self._pause * (1 if self._in_flux() else _IDLE_PERIODS)

    def _in_flux(self) -> bool:
        state = self._state()
        moved = any(order != self._policy.hosts for order in self.orders.values())
        return bool(moved or state.demoted or state.restoring)

    async def _domain(self, domain: str) -> str | None:
        """Look at one; returns what is wrong."""
        try:
            found = await self._read(domain)
            if found.order is None:
                return f"{domain}: its MX lists others, or not all exchangers: left as it is"
            wanted = self._wanted(domain, found.order)
            if wanted == found.order:
                return None
            await self._zones.replace(domain, found, wanted)
            await self._read(domain)
        except ConflictError:
            return None  # somebody was faster: the next look shows it
        except DnsError as error:
            self.orders[domain] = None
            return str(error)
        structlog.get_logger().info("mx changed", domain=domain, order=list(wanted), was=list(found.order))
        return None

    async def _read(self, domain: str) -> MxSet:
        try:
            found = await self._zones.read(domain)
        except DnsError:
            self.unread.add(domain)
            raise
        self.orders[domain] = found.order
        self.preferences[domain] = dict(found.preferences)
        self.unread.discard(domain)
        return found

    def _wanted(self, domain: str, order: mx.Order) -> mx.Order:
        state = self._state()
        restoring = {host for where, host in state.restoring if where == domain}
        return mx.wanted_order(self._policy.hosts, self._policy.name, order, state.demoted, restoring)
