"""The listening side: who may connect, how many at once, and how it ends.

Each worker process listens on the same port by SO_REUSEPORT, so that one which dies takes only its
own sessions with it and the kernel spreads new ones over the rest.
"""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from twinmx.smtp.budget import Budget
from twinmx.smtp.dialogue import Dialogue, Limits, Verbs
from twinmx.smtp.envelope import Reply
from twinmx.smtp.session import Handler, Session

Network = IPv4Network | IPv6Network

_BACKLOG = 256
_NOT_A_CLIENT = Reply(554, "5.7.1", "this port serves the exchangers only")
_FULL = Reply(421, "4.3.2", "too many connections, try again")


class Server:
    """An SMTP server for the clients of an allow list; others hear 554 and are disconnected."""

    def __init__(
        self,
        host: str,
        handler: Handler,
        *,
        clients: Sequence[Network],
        limits: Limits,
        max_connections: int,
        verbs: Verbs | None = None,
    ) -> None:
        self._host = host
        self._handler = handler
        self._clients = tuple(clients)
        self._limits = limits
        self._budget = Budget(limits.max_bytes_in_hand)
        self._verbs = verbs or {}
        self._max_connections = max_connections
        self._away: Reply | None = None
        self._sessions: set[Session] = set()
        self._servers: list[asyncio.Server] = []
        self._quiet = asyncio.Event()
        self._quiet.set()

    @property
    def connections(self) -> int:
        """Sessions that are open or have a message in hand."""
        return len(self._sessions)

    @property
    def listening(self) -> bool:
        """Whether new connections are accepted."""
        return bool(self._servers) and all(server.is_serving() for server in self._servers)

    @property
    def port(self) -> int:
        """The port of the first listener, which the kernel chose where 0 was asked for."""
        return int(self._servers[0].sockets[0].getsockname()[1])

    async def listen(self, address: str, port: int) -> None:
        """Accept connections on `address`; raises `OSError` where that is not possible."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._session, address, port, backlog=_BACKLOG, reuse_port=True)
        self._servers.append(server)

    def turn_away(self, reply: Reply | None) -> None:
        """Greet with `reply` (a 421) whoever connects, and end each open session after its transaction.

        With None, serve again.
        """
        self._away = reply
        if reply is not None:
            for session in tuple(self._sessions):
                session.stop()

    async def stop(self, seconds: float) -> None:
        """Accept no more, let transactions finish for at most `seconds`, then drop what is left."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for session in tuple(self._sessions):
            session.stop()
        try:
            async with asyncio.timeout(seconds):
                await self._quiet.wait()
        except TimeoutError:
            for session in tuple(self._sessions):
                session.abort()

    def _session(self) -> Session:
        dialogue = Dialogue(self._host, self._limits, self._verbs, self._budget)
        session = Session(self._host, self._limits, dialogue, self._handler, self._refuse, self._finished)
        self._sessions.add(session)
        self._quiet.clear()
        return session

    def _refuse(self, peer: str) -> Reply | None:
        if not self._allowed(peer):
            return _NOT_A_CLIENT
        if self._away is not None:
            return self._away
        return _FULL if len(self._sessions) > self._max_connections else None

    def _allowed(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._clients)

    def _finished(self, session: Session) -> None:
        self._sessions.discard(session)
        if not self._sessions:
            self._quiet.set()
