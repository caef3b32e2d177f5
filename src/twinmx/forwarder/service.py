"""One worker process: its parts put together, started, and stopped without dropping a message."""

import asyncio
import time
from contextlib import AsyncExitStack
from ipaddress import ip_network
from math import nan
from typing import TYPE_CHECKING

from twinmx.aliases.snapshot import Snapshot, SnapshotError
from twinmx.forwarder.alone import alone_of
from twinmx.forwarder.delivered import VERB, Delivered
from twinmx.forwarder.delivery import Delivery, Policy, Scanner
from twinmx.forwarder.drained import follow
from twinmx.forwarder.metrics import ForwarderMetrics
from twinmx.forwarder.onward import Onward
from twinmx.forwarder.peers import Peers
from twinmx.forwarder.routing import Router
from twinmx.forwarder.settings import Settings
from twinmx.forwarder.trace import Trace
from twinmx.program.credentials import VALKEY, load_password
from twinmx.program.life import live
from twinmx.program.web import WebServer
from twinmx.quarantine import Quarantine
from twinmx.smtp.dialogue import Limits
from twinmx.smtp.pool import Pool
from twinmx.smtp.server import Server
from twinmx.socketmap import SocketmapServer
from twinmx.spam.build import chain_of
from twinmx.srs import Srs

if TYPE_CHECKING:
    from twinmx.forwarder.latelimit import LateLimit

SOCKETMAP_ADDRESS = "127.0.0.1"
SRS_MAP = "srs"


class Worker:
    """Worker number `number` of the forwarder; made inside its event loop. Raises `CredentialError`."""

    def __init__(self, settings: Settings, keys: tuple[bytes, ...], number: int) -> None:
        self._settings = settings
        self._number = number
        self._metrics = ForwarderMetrics()
        self._snapshot = Snapshot(settings.aliases.snapshot)
        srs = Srs(keys, settings.srs.max_age_days)
        router = Router(self._snapshot, srs, settings.srs.domains, settings.canaries)
        self._chain = chain_of(settings.spam, self._metrics.registry)
        self._pool = Pool(
            str(settings.reinject.address),
            settings.reinject.port,
            settings.host,
            settings.reinject.connections,
        )
        self._limit = _late_limit(settings, self._metrics)
        self._alone = alone_of(settings.alone)
        delivered = Delivered(settings.delivered.directory)
        peers = Peers(
            [str(address) for address in settings.peers.addresses],
            settings.listen.port,
            settings.host,
            settings.peers.seconds,
        )
        self._server = Server(
            settings.host,
            Delivery(
                Policy(
                    settings.deadline.total_seconds,
                    settings.deadline.grace_seconds,
                    settings.spam.reject_score,
                ),
                router,
                Trace(settings.host, keys),
                Scanner(self._chain, keys),
                Quarantine(settings.quarantine.directory),
                Onward(self._pool, settings.reinject.seconds, delivered, peers),
                self._metrics,
                self._limit,
                self._alone,
            ),
            clients=[ip_network(str(network)) for network in settings.listen.clients],
            limits=Limits(
                max_message_size=settings.listen.max_message_size,
                max_recipients=1,
                idle_seconds=settings.listen.idle_seconds,
                max_bytes_in_hand=settings.listen.max_bytes_in_hand,
            ),
            max_connections=settings.listen.max_connections,
            verbs={VERB: delivered.command},
        )
        self._socketmap = SocketmapServer({SRS_MAP: router.srs_original})
        self._web = WebServer(self._metrics.registry, self._fault)
        self._metrics.connections.set_function(lambda: self._server.connections)
        self._metrics.snapshot_age.set_function(self._snapshot_age)
        self._metrics.snapshot_aliases.set_function(self._snapshot_aliases)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; raises `OSError` where a port cannot be had."""
        await live(self._number, self._start)

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        stack.callback(self._snapshot.close)
        stack.push_async_callback(self._chain.close)
        if self._limit is not None:
            stack.push_async_callback(self._limit.close)
        if self._alone is not None:
            stack.callback(self._alone.close)
        stack.push_async_callback(self._web.close)
        port = settings.metrics.port_base + self._number
        await self._web.listen(str(settings.metrics.address), port)
        stack.callback(self._pool.close)
        stack.callback(self._socketmap.close)
        await self._socketmap.listen(SOCKETMAP_ADDRESS, settings.srs.socketmap_port)
        longest = settings.deadline.total_seconds + settings.deadline.grace_seconds
        stack.push_async_callback(self._server.stop, longest)
        self._following = asyncio.create_task(follow(settings.drain.directory, self._server))
        stack.callback(self._following.cancel)
        for address in settings.listen.addresses:
            await self._server.listen(str(address), settings.listen.port)

    def _fault(self) -> str | None:
        if not self._server.listening:
            return "not listening"
        if self._following.done():
            return "it no longer sees whether its host is drained"
        return self._snapshot.fault()

    def _snapshot_age(self) -> float:
        try:
            return time.time() - self._snapshot.meta().built_at
        except SnapshotError:
            return nan

    def _snapshot_aliases(self) -> float:
        try:
            return self._snapshot.meta().count
        except SnapshotError:
            return nan


def _late_limit(settings: Settings, metrics: ForwarderMetrics) -> "LateLimit | None":
    if settings.limits is None:
        return None
    # Valkey's client is 8 MB in each worker, and only a replay of June 2021 needs it.
    from twinmx.forwarder.latelimit import LateLimit  # noqa: PLC0415

    return LateLimit(settings.limits, load_password(VALKEY), metrics.registry)
