"""One SMTP connection of the server side: bytes in, replies out, one message at a time.

Commands may be pipelined; the replies to one read leave in one write. While a message is with the
handler nothing else of this client is worked on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from twinmx.smtp.budget import Share
from twinmx.smtp.dialogue import BYE, START_DATA, TOO_MUCH_IN_HAND, Dialogue, Limits
from twinmx.smtp.dots import DataReader
from twinmx.smtp.envelope import Envelope, Reply

Handler = Callable[[Envelope, bytes], Awaitable[Reply]]

MAX_COMMAND = 16384
"""Bytes: a line of Postfix has 2048, and up to three for each of them once it has encoded it (xtext)."""

MAX_AHEAD = 65536
"""Bytes taken from a client that goes on while its message is in hand; more wait in the kernel."""

_GOING_AWAY = Reply(421, "4.3.2", "going away, try again")
_IDLE = Reply(421, "4.4.2", "nothing was said for too long")
_SERVICE_CLOSING = 421
_TOO_LONG = Reply(500, "5.5.2", "command line too long")
_TEMPORARY = Reply(451, "4.3.0", "temporary failure of ours, try again")


class _State(Enum):
    CONNECTING = auto()
    COMMAND = auto()
    DATA = auto()
    BUSY = auto()
    CLOSED = auto()


class Session(asyncio.Protocol):
    """The protocol of one connection.

    `refuse` is asked for a reply that turns the client away at once; `finished` is called when the
    connection is gone and no message of it is in hand any more.
    """

    def __init__(
        self,
        host: str,
        limits: Limits,
        dialogue: Dialogue,
        handler: Handler,
        refuse: Callable[[str], Reply | None],
        finished: Callable[["Session"], None],
    ) -> None:
        self._host = host
        self._limits = limits
        self._handler = handler
        self._refuse = refuse
        self._finished = finished
        self._dialogue = dialogue
        self._state = _State.CONNECTING
        self._pending = b""
        self._replies: list[bytes] = []
        self._data: DataReader | None = None
        self._dropped = False
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._half_closed = False
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, or turn it away."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._state = _State.COMMAND
        peer = transport.get_extra_info("peername")
        self._dialogue.peer = str(peer[0]) if peer else ""
        refusal = self._refuse(self._dialogue.peer) or (_GOING_AWAY if self._stopping else None)
        if refusal is not None:
            self._close(refusal)
            return
        self._say(Reply(220, "", f"{self._host} ESMTP twinmx"))
        self._flush()
        self._timer = self._loop.call_later(self._limits.idle_seconds, self._check_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._state = _State.CLOSED
        self._dialogue.leave()
        if self._timer is not None:
            self._timer.cancel()
        if self._task is None:
            self._finished(self)

    def eof_received(self) -> bool:
        """Keep the connection of a client that says no more and still waits for a reply."""
        self._half_closed = True
        return self._state is _State.BUSY

    def data_received(self, data: bytes) -> None:
        """Work on what came, as far as it goes."""
        if self._state is _State.CLOSED:
            return
        self._heard_at = self._loop.time()
        self._pending = self._pending + data if self._pending else data
        if self._state is not _State.BUSY:
            self._work()
        elif len(self._pending) > MAX_AHEAD:
            self._transport.pause_reading()

    def stop(self) -> None:
        """Say 421 as soon as no transaction is open: as the greeting, now, or after the one in hand."""
        self._stopping = True
        if self._state is _State.COMMAND and not self._dialogue.in_transaction:
            self._close(_GOING_AWAY)

    def abort(self) -> None:
        """Drop the client, and the message in hand with it; one whose session has not begun is greeted so."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
        if self._state is not _State.CONNECTING:
            self._transport.abort()

    def _work(self) -> None:
        while self._pending and self._state in (_State.COMMAND, _State.DATA):
            if self._state is _State.DATA:
                self._take_data()
            elif not self._take_command():
                break
        self._flush()

    def _take_command(self) -> bool:
        line, found, rest = self._pending.partition(b"\r\n")
        if len(line) > MAX_COMMAND:
            self._close(_TOO_LONG)
            return False
        if not found:
            return False
        self._pending = rest
        replies = self._dialogue.execute(line)
        if replies == (BYE,):
            self._close(BYE)
            return False
        self._say(*replies)
        if replies == (START_DATA,):
            self._data = self._dialogue.data_reader()
            self._dropped = False
            self._state = _State.DATA
        elif self._stopping and not self._dialogue.in_transaction:
            self._close(_GOING_AWAY)
        return True

    def _take_data(self) -> None:
        assert self._data is not None
        rest = self._data.feed(self._pending)
        self._pending = rest or b""
        if not self._dialogue.has_room(self._data.size):
            self._data.drop()
            self._dropped = True
        if rest is None:
            return
        message = self._data.message()
        self._data = None
        envelope, share = self._dialogue.take_envelope()
        if message is None:
            share.give_back()
            limit = self._limits.max_message_size
            too_large = Reply(552, "5.3.4", f"message exceeds the limit of {limit} bytes")
            self._answer(TOO_MUCH_IN_HAND if self._dropped else too_large)
            return
        self._state = _State.BUSY
        self._task = self._loop.create_task(self._handle(envelope, message, share))

    async def _handle(self, envelope: Envelope, message: bytes, share: Share) -> None:
        try:
            reply = await self._handler(envelope, message)
        except Exception as error:
            reply = _TEMPORARY
            self._loop.call_exception_handler(
                {"message": "SMTP message handler failed", "exception": error, "protocol": self}
            )
        finally:
            share.give_back()
            self._task = None
            if self._state is _State.CLOSED:
                self._finished(self)
        if self._state is _State.CLOSED:
            return
        self._heard_at = self._loop.time()
        self._transport.resume_reading()
        self._answer(reply)
        self._work()
        if self._half_closed and self._task is None:
            self._transport.close()

    def _answer(self, reply: Reply) -> None:
        self._state = _State.COMMAND
        if reply.code == _SERVICE_CLOSING:
            self._close(reply)
            return
        self._say(reply)
        if self._stopping:
            self._close(_GOING_AWAY)

    def _check_idle(self) -> None:
        silent = self._loop.time() - self._heard_at
        if silent >= self._limits.idle_seconds and self._state is not _State.BUSY:
            self._close(_IDLE)
            return
        wait = max(self._limits.idle_seconds - silent, 1.0)
        self._timer = self._loop.call_later(wait, self._check_idle)

    def _say(self, *replies: Reply) -> None:
        self._replies.extend(reply.encode(more=True) for reply in replies[:-1])
        self._replies.append(replies[-1].encode())

    def _flush(self) -> None:
        if self._replies and not self._transport.is_closing():
            self._transport.write(b"".join(self._replies))
        self._replies.clear()

    def _close(self, reply: Reply) -> None:
        self._say(reply)
        self._flush()
        self._state = _State.CLOSED
        self._transport.close()
