"""One session with the transfer agent: packets in, the right question to the filter, answers out.

Only RCPT and the end of a message are answered; the rest is taken in without a reply, where the transfer
agent offers that, which saves a round trip for each (SMFIP_NR_…).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from twinmx.milter import answers
from twinmx.milter.message import Collector
from twinmx.milter.packets import (
    VERSION,
    Action,
    Command,
    Option,
    ProtocolError,
    Splitter,
    client_of,
    macros_of,
    negotiation,
    offer_of,
    strings,
)

_CHUNK = 1 << 18
_QUEUE_ID = b"i"
_RECIPIENT = b"rcpt_addr"
_AT_RCPT, _END_OF_MESSAGE = 3, 5
_MACROS = dict.fromkeys(range(7), b"") | {_AT_RCPT: b"{%b}" % _RECIPIENT, _END_OF_MESSAGE: _QUEUE_ID}
_SILENCE = {
    Command.CONNECT: Option.SILENT_CONNECT,
    Command.HELO: Option.SILENT_HELO,
    Command.MAIL: Option.SILENT_MAIL,
    Command.HEADER: Option.SILENT_HEADER,
    Command.BODY: Option.SILENT_BODY,
}
_UNUSED = {
    Command.END_OF_HEADER: Option.NO_END_OF_HEADER,
    Command.UNKNOWN: Option.NO_UNKNOWN,
    Command.DATA: Option.NO_DATA,
}
_OPTIONS = sum({*_SILENCE.values(), *_UNUSED.values(), Option.LEADING_SPACE})


@dataclass(frozen=True, slots=True)
class Client:
    """Who talks to the transfer agent; empty where not known."""

    name: str = ""
    address: str = ""
    helo: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that is there as a whole: `content` is its head, `size` counts all of its bytes."""

    queue_id: str
    content: bytes
    size: int


class Transaction(Protocol):
    """What a filter makes of one message, from MAIL on. Each answer is a finished packet or several."""

    async def recipient(self, address: str) -> bytes:
        """Answer to RCPT; `address` is quoted as its sender or the transfer agent liked."""

    async def message(self, mail: Mail) -> bytes:
        """Answer to the end of the message; the transaction is over then."""

    async def abandon(self) -> None:
        """There will be no message: the client has gone, or has thought better of it."""


Begin = Callable[[Client, str], Transaction]
"""Makes a transaction of a client and a sender, which is empty when null."""


class Session:
    """A connection of the transfer agent, for as many messages as it likes.

    `keep` is how many bytes of a message are kept for the filter.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begin: Begin, keep: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._begin = begin
        self._keep = keep
        self._silent = 0
        self._name = self._address = self._helo = ""
        self._queue_id = self._resolved = ""
        self._transaction: Transaction | None = None
        self._collector: Collector | None = None
        self._idle_seconds: float | None = None
        self._leaving: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Converse until the peer ends it; raises `ProtocolError`, `OSError`."""
        splitter = Splitter()
        try:
            while data := await self._reader.read(_CHUNK):
                self._stay()
                for letter, content in splitter.feed(data):
                    if letter == Command.QUIT:
                        return
                    await self._act(letter, content)
                self._leave_when_idle()
        finally:
            self._stay()
            await self._abandon()
            self._writer.close()

    def leave(self, idle_seconds: float) -> None:
        """End the session once no message has been under way and nothing been said for `idle_seconds`."""
        self._idle_seconds = idle_seconds
        self._leave_when_idle()

    def _leave_when_idle(self) -> None:
        self._stay()
        if self._idle_seconds is not None and self._transaction is None:
            self._leaving = asyncio.get_running_loop().call_later(self._idle_seconds, self._writer.close)

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()

    async def _act(self, letter: bytes, data: bytes) -> None:
        match letter:
            case Command.HEADER:
                self._collected().header(data)
            case Command.BODY:
                self._collected().body(data)
            case Command.MACROS:
                macros = macros_of(data)
                self._queue_id = _text(macros.get(_QUEUE_ID, b"")) or self._queue_id
                self._resolved = _text(macros.get(_RECIPIENT, b""))
                return
            case Command.RCPT:
                self._writer.write(await self._begun().recipient(self._recipient(data)))
                return
            case Command.END:
                self._collected().body(data)
                self._writer.write(await self._end())
                return
            case Command.MAIL:
                await self._abandon()
                self._transaction = self._begin(Client(self._name, self._address, self._helo), _address(data))
            case Command.CONNECT:
                name, address = client_of(data)
                self._name, self._address = _text(name), _text(address)
            case Command.HELO:
                self._helo = _text(data.removesuffix(b"\0"))
            case Command.NEGOTIATE:
                self._writer.write(self._negotiate(data))
                return
            case Command.ABORT | Command.QUIT_NEW:
                await self._abandon()
                return
        self._acknowledge(letter)

    def _acknowledge(self, letter: bytes) -> None:
        """Answer what needs no thought, unless it was agreed that there is no answer."""
        silence = _SILENCE.get(letter)
        if silence is None and letter not in _UNUSED:
            raise ProtocolError(f"a packet of an unknown kind, {letter!r}")
        if not self._silent & (silence or 0):
            self._writer.write(answers.CONTINUE)

    def _negotiate(self, data: bytes) -> bytes:
        offer = offer_of(data)
        if not offer.actions & Action.ADD_HEADERS:
            raise ProtocolError("the transfer agent takes no header fields from filters")
        self._silent = offer.options & _OPTIONS
        actions = offer.actions & (Action.ADD_HEADERS | Action.SET_MACROS)
        macros = _MACROS if actions & Action.SET_MACROS else {}
        return negotiation(min(offer.version, VERSION), actions, self._silent, macros)

    def _recipient(self, data: bytes) -> str:
        """The recipient as it is queued; the argument, as the client has typed it, where that is not told."""
        resolved, self._resolved = self._resolved, ""
        return resolved or _address(data)

    def _begun(self) -> Transaction:
        if self._transaction is None:
            raise ProtocolError("RCPT or a message without MAIL")
        return self._transaction

    def _collected(self) -> Collector:
        if self._collector is None:
            self._begun()
            self._collector = Collector(self._keep)
        return self._collector

    async def _end(self) -> bytes:
        transaction, collector = self._begun(), self._collected()
        mail = Mail(self._queue_id, collector.content(), collector.size)
        self._collector = None
        answer = await transaction.message(mail)
        self._transaction, self._queue_id = None, ""
        return answer

    async def _abandon(self) -> None:
        transaction, self._transaction = self._transaction, None
        self._collector, self._queue_id = None, ""
        if transaction is not None:
            await transaction.abandon()


def _address(data: bytes) -> str:
    """Return the address of MAIL or RCPT, without its brackets and without the parameters after it."""
    return _text(strings(data)[0].removeprefix(b"<").removesuffix(b">"))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
