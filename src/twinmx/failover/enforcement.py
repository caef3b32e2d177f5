"""What the state wants made true on this host, again at each period: port 25, the lease file, the engines."""

import asyncio
from collections.abc import Awaitable

import structlog

from twinmx.failover import engines, lease, port25
from twinmx.failover.metrics import FailoverMetrics
from twinmx.failover.settings import Settings


class Enforcement:
    """Each part fails for itself: it is said once, shown as a metric, and tried again at the next period."""

    def __init__(self, settings: Settings, metrics: FailoverMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self.faults: dict[str, str] = {}

    async def close(self, until: float, now: float) -> None:
        """Have the host drained until `until`: new mail goes to the peer, and so does what is queued."""
        write = asyncio.to_thread(lease.write, self._settings.places.runtime, until)
        self._note("lease", await _tried(write))
        self._note("port", await _tried(port25.apply(until - now, self._settings.exempt)))

    async def open(self) -> None:
        """Have the host take mail."""
        self._note("port", await _tried(port25.apply(None, ())))
        self._note("lease", await _tried(asyncio.to_thread(lease.remove, self._settings.places.runtime)))

    async def bypass(self, bypassed: dict[str, float]) -> None:
        """Have exactly these spam engines left out by us."""
        local = self._settings.local
        work = asyncio.to_thread(engines.apply, local.overrides, bypassed, local.engines)
        self._note("engines", await _tried(work))

    def _note(self, what: str, detail: str | None) -> None:
        if detail and self.faults.get(what) != detail:
            structlog.get_logger().error("not done", what=what, detail=detail)
        if detail:
            self.faults[what] = detail
        else:
            self.faults.pop(what, None)
        self._metrics.fault(what, detail)


async def _tried(work: Awaitable[None]) -> str | None:
    """Await `work`; returns what went wrong."""
    try:
        await work
    except (OSError, port25.PortError) as error:
        return str(error)
    return None
