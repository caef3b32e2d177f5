"""One connection of the client side: persistent, pipelined, and honest about what was sent when.

A transaction that breaks raises `TransactionError`, which says whether the end of the message had been
sent by then. Before it nothing can have been accepted; after it the message may be in the server's
queue although no reply came, so only the sender's own queue may decide to try again.
"""

import asyncio
import re
from collections import deque
from dataclasses import dataclass

from twinmx.smtp.dots import stuff
from twinmx.smtp.envelope import Envelope, Recipient, Reply
from twinmx.smtp.replies import ProtocolError, ReplyReader

_SERVICE_CLOSING = 421
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class TransactionError(Exception):
    """The connection failed, or the server left it; `committed` when the message's end was sent."""

    def __init__(self, reason: str, *, committed: bool = False) -> None:
        super().__init__(reason)
        self.committed = committed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the server answered.

    `reply` is the first refusal, or the answer to the message. `recipients` has what it means for each:
    where only some were refused nothing is sent, and the others keep their 250 to RCPT.
    """

    reply: Reply
    recipients: tuple[Reply, ...]


class Connection(asyncio.Protocol):
    """A session with one server. Use `open`, then `send` any number of times, one at a time."""

    def __init__(self) -> None:
        self.opened_at = asyncio.get_running_loop().time()
        self._reader = ReplyReader()
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._failure: str | None = None
        self._extensions: frozenset[str] = frozenset()

    @classmethod
    async def open(cls, address: str, port: int, helo: str) -> "Connection":
        """Connect and say EHLO; the caller bounds the time. Raises `OSError` or `TransactionError`."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, address, port)
        try:
            await connection._greet(helo)
        except BaseException:
            connection.abort()
            raise
        return connection

    @property
    def usable(self) -> bool:
        """The server has not left and every reply has come."""
        return self._failure is None and not self._waiting and not self._transport.is_closing()

    # -- asyncio --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; the server greets first."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._waiting.append(asyncio.get_running_loop().create_future())

    def data_received(self, data: bytes) -> None:
        """Hand each reply to the command that waits for it."""
        try:
            replies = self._reader.feed(data)
        except ProtocolError as error:
            self._fail(str(error))
            self._transport.abort()
            return
        for reply in replies:
            if not self._waiting:
                self._fail(f"unasked: {reply}")
                self._transport.close()
                return
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(reply)
            if reply.code == _SERVICE_CLOSING:
                self._fail(str(reply))  # pipelined commands behind it get no answer
                self._transport.close()
                return

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._fail(str(exc) if exc else "the server closed the connection")

    def _fail(self, reason: str) -> None:
        if self._failure is None:
            self._failure = reason
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(TransactionError(self._failure))
                future.exception()  # a cancelled transaction leaves some that nobody awaits

    # -- commands -------------------------------------------------------------------------------

    async def send(self, envelope: Envelope, message: bytes) -> Outcome:
        """Send one message to all recipients of `envelope` or to none; raises `TransactionError`.

        A server that answers 421 before the message is interrupted too. Cancelling leaves the
        connection unusable.
        """
        try:
            return await self._transact(envelope, message)
        except BaseException:
            self.abort()
            raise

    async def say(self, line: str) -> Reply:
        """Say one command outside a transaction and return the answer; raises `TransactionError`."""
        return await self._command(_line([line]))

    def leave(self) -> None:
        """Say QUIT and close, without waiting for the answer."""
        if self.usable:
            self._transport.write(b"QUIT\r\n")
        self._transport.close()

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    async def _greet(self, helo: str) -> None:
        greeting = await self._waiting[0]
        if not greeting.accepted:
            raise TransactionError(f"greeted with {greeting}")
        reply = await self._command(f"EHLO {helo}\r\n".encode())
        if not reply.accepted:
            raise TransactionError(f"EHLO answered {reply}")
        lines = reply.text.split("\n")[1:]
        self._extensions = frozenset(line.split(" ", 1)[0].upper() for line in lines)

    def _command(self, data: bytes) -> asyncio.Future[Reply]:
        return self._commands([data])[0]

    def _commands(self, lines: list[bytes]) -> list[asyncio.Future[Reply]]:
        if self._failure is not None:
            raise TransactionError(self._failure)
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in lines]
        self._waiting.extend(futures)
        self._transport.write(b"".join(lines))
        return futures

    async def _ask(self, lines: list[bytes]) -> list[Reply]:
        if "PIPELINING" in self._extensions:
            replies = [await future for future in self._commands(lines)]
        else:
            replies = [await self._command(line) for line in lines]
        for reply in replies:
            if reply.code == _SERVICE_CLOSING:
                raise TransactionError(str(reply))
        return replies

    async def _transact(self, envelope: Envelope, message: bytes) -> Outcome:
        if refusal := self._missing_extension(envelope):
            return _for_all(refusal, envelope)
        lines = [self._mail(envelope, len(message))]
        lines += [self._rcpt(recipient) for recipient in envelope.recipients]
        # With one recipient its refusal makes the server refuse DATA, so all can go in one write.
        single = len(envelope.recipients) == 1
        replies = await self._ask([*lines, b"DATA\r\n"] if single else lines)
        refused = next((reply for reply in replies if not reply.accepted), None)
        if refused is not None:
            await self._leave_transaction(replies[-1] if single else None)
            mail, *answers = replies[: len(lines)]
            return Outcome(refused, tuple(answers)) if mail.accepted else _for_all(mail, envelope)
        if not single:
            (data,) = await self._ask([b"DATA\r\n"])
            if not data.accepted:
                return _for_all(data, envelope)
        try:
            return _for_all(await self._command(stuff(message)), envelope)
        except TransactionError as error:
            raise TransactionError(str(error), committed=True) from error

    async def _leave_transaction(self, data: Reply | None) -> None:
        if data is not None and data.accepted:
            self._transport.abort()  # the server waits for a message that must not be sent
            return
        await self._ask([b"RSET\r\n"])

    def _missing_extension(self, envelope: Envelope) -> Reply | None:
        if envelope.smtputf8 and "SMTPUTF8" not in self._extensions:
            return Reply(550, "5.6.7", "the next hop does not take SMTPUTF8")
        return None

    def _mail(self, envelope: Envelope, size: int) -> bytes:
        words = [f"MAIL FROM:<{envelope.sender}>"]
        if "SIZE" in self._extensions:
            words.append(f"SIZE={size}")
        if envelope.body and "8BITMIME" in self._extensions:
            words.append(f"BODY={envelope.body}")
        if envelope.smtputf8:
            words.append("SMTPUTF8")
        if "DSN" in self._extensions:
            words += [f"RET={envelope.ret}"] if envelope.ret else []
            words += [f"ENVID={envelope.envid}"] if envelope.envid else []
        return _line(words)

    def _rcpt(self, recipient: Recipient) -> bytes:
        words = [f"RCPT TO:<{recipient.address}>"]
        if "DSN" in self._extensions:
            words += [f"NOTIFY={recipient.notify}"] if recipient.notify else []
            words += [f"ORCPT={recipient.orcpt}"] if recipient.orcpt else []
        return _line(words)


def _for_all(reply: Reply, envelope: Envelope) -> Outcome:
    return Outcome(reply, tuple(reply for _ in envelope.recipients))


def _line(words: list[str]) -> bytes:
    line = " ".join(words)
    if _CONTROL.search(line):
        raise ValueError(f"control character in {line!r}")
    return line.encode() + b"\r\n"
