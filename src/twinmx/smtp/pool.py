"""Connections to one server, kept and shared.

A connection is given up after `_MAX_AGE_SECONDS`: Postfix reads a new configuration only in a new
smtpd process, and a session that never ends would keep the old one alive. One that nobody has used for
`_MAX_IDLE_SECONDS` is left: it holds an smtpd process, of which there is a fixed number for all of us.
"""

import asyncio

from twinmx.smtp.client import Connection, Outcome, TransactionError
from twinmx.smtp.envelope import Envelope

_MAX_IDLE_SECONDS = 3.0
_MAX_AGE_SECONDS = 60.0


class UnreachableError(Exception):
    """No connection to the server could be had; nothing was sent."""


class Pool:
    """At most `connections` sessions with the server at `address`:`port`, opened when needed."""

    def __init__(self, address: str, port: int, helo: str, connections: int) -> None:
        self._address = address
        self._port = port
        self._helo = helo
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[tuple[float, Connection]] = []  # since when; the last one is used next
        self._timer: asyncio.TimerHandle | None = None

    async def send(self, envelope: Envelope, message: bytes, seconds: float) -> Outcome:
        """Send a message within `seconds`, waiting for a free connection included.

        A kept connection that turns out to be dead is replaced by a fresh one and the message sent
        again, once, if its end had not been sent: otherwise it might be delivered twice.
        Raises `UnreachableError`, `TransactionError` or `TimeoutError`.
        """
        async with asyncio.timeout(seconds), self._slots:
            kept = self._take()
            if kept is not None:
                try:
                    return await self._use(kept, envelope, message)
                except TransactionError as error:
                    if error.committed:
                        raise
            return await self._use(await self._open(), envelope, message)

    def close(self) -> None:
        """Leave every idle connection."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._idle:
            self._idle.pop()[1].leave()

    def _take(self) -> Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            _, connection = self._idle.pop()
            if connection.usable and now - connection.opened_at < _MAX_AGE_SECONDS:
                return connection
            connection.leave()
        return None

    async def _open(self) -> Connection:
        try:
            return await Connection.open(self._address, self._port, self._helo)
        except (OSError, TransactionError) as error:
            raise UnreachableError(f"{self._address}:{self._port}: {error}") from error

    async def _use(self, connection: Connection, envelope: Envelope, message: bytes) -> Outcome:
        outcome = await connection.send(envelope, message)
        # Postfix slows down a session that collects refusals, so the next message gets a new one.
        if outcome.reply.accepted and connection.usable:
            self._keep(connection)
        else:
            connection.leave()
        return outcome

    def _keep(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        self._idle.append((loop.time(), connection))
        if self._timer is None:
            self._timer = loop.call_later(_MAX_IDLE_SECONDS, self._leave_unused)

    def _leave_unused(self) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() - _MAX_IDLE_SECONDS
        while self._idle and self._idle[0][0] <= latest:
            self._idle.pop(0)[1].leave()
        self._timer = loop.call_later(_MAX_IDLE_SECONDS, self._leave_unused) if self._idle else None
