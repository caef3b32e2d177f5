"""The MX records kept as the state wants them, by a task of its own: a slow name server holds nothing up."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

from twinmx.failover import mx
from twinmx.failover.acts import Act
from twinmx.failover.dns import ConflictError, DnsError, MxSet, Zones
from twinmx.failover.policy import Policy
from twinmx.failover.state import State

_IDLE_PERIODS = 6
_LONGEST_PAUSE_SECONDS = 60.0

News = defaultdict[tuple[str, str], list[str]]
"""What became of the records: (name and cause of an act) → the domains that have it in common."""


class Records:
    """What is known of the records, and the work on them.

    `state` returns what is on disk; `tell` takes what became of it, for the audit. unread: domains at which
    the last look failed. fault: why something cannot be read or changed; None where all can.
    """

    def __init__(
        self,
        policy: Policy,
        zones: Zones,
        state: Callable[[], State],
        tell: Callable[[Sequence[Act]], Awaitable[None]],
    ) -> None:
        self._policy = policy
        self._zones = zones
        self._state = state
        self._tell = tell
        self._last: dict[str, mx.Order] = {}
        self._undone: set[str] = set()
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
        news: News = defaultdict(list)
        faults = [fault for domain in self._policy.domains if (fault := await self._domain(domain, news))]
        if faults and faults[0] != self.fault:
            structlog.get_logger().warning("dns", detail=faults[0], domains=len(faults))
        self.fault = faults[0] if faults else None
        if news:
            await self._tell([Act(name, ", ".join(where), cause) for (name, cause), where in news.items()])
        if faults:
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
            return self._pause
        self._pause = self._policy.period_seconds
        return self._pause * (1 if self._in_flux() else _IDLE_PERIODS)

    def _in_flux(self) -> bool:
        state = self._state()
        moved = any(order != self._policy.hosts for order in self.orders.values())
        return bool(moved or state.demoted or state.restoring)

    async def _domain(self, domain: str, news: News) -> str | None:
        """Look at one, mend it, and add what is new to `news`; returns what is wrong."""
        try:
            was, order = await self._mended(domain)
        except ConflictError:
            return None  # somebody was faster: the next look shows it
        except DnsError as error:
            self.orders[domain] = None
            if domain not in self._undone and self._outstanding(domain):
                self._undone.add(domain)
                what = "could not be done" if domain in self._last else "cannot be seen or done"
                news["mx not changed", f"{what}: {error}"].append(domain)
            return str(error)
        if was != order:
            news["mx changed", f"{', '.join(order)}; it was {', '.join(was)}"].append(domain)
        elif domain in self._undone:
            news["mx found", f"as decided: {', '.join(order)}"].append(domain)
        self._undone.discard(domain)
        return None

    async def _mended(self, domain: str) -> tuple[mx.Order, mx.Order]:
        """Return the order that was found, and the one that is there now; raises `DnsError`."""
        found = await self._read(domain)
        if found.order is None:
            raise DnsError(f"{domain}: its MX lists others, or not all exchangers: left as it is")
        wanted = self._wanted(domain, found.order)
        if wanted != found.order:
            await self._zones.replace(domain, found, wanted)
            self._last[domain] = wanted
            with suppress(DnsError):  # it is done; the next look says what is wrong
                await self._read(domain)
        return found.order, wanted

    def _outstanding(self, domain: str) -> bool:
        """Whether something is decided about `domain` that was not seen there when it was last read."""
        if domain in self._last:
            return self._wanted(domain, self._last[domain]) != self._last[domain]
        state = self._state()
        return bool(state.demoted) or any(where == domain for where, _ in state.restoring)

    async def _read(self, domain: str) -> MxSet:
        try:
            found = await self._zones.read(domain)
        except DnsError:
            self.unread.add(domain)
            raise
        self.orders[domain] = found.order
        if found.order is None:
            self._last.pop(domain, None)
        else:
            self._last[domain] = found.order
        self.preferences[domain] = dict(found.preferences)
        self.unread.discard(domain)
        return found

    def _wanted(self, domain: str, order: mx.Order) -> mx.Order:
        state = self._state()
        restoring = {host for where, host in state.restoring if where == domain}
        return mx.wanted_order(self._policy.hosts, self._policy.name, order, state.demoted, restoring)
