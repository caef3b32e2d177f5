"""One attempt to hand over one letter: a whole SMTP session, and exactly how far it came.

Spoken over plain asyncio streams, because the ledger must know whether the end of the message had left when
a connection was lost: before it, the exchanger cannot have taken the message; after it, nobody can say.
Client libraries report both as "disconnected".
"""

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum

from lab.send import SMTP_OK
from lab.settings import CONTROLLER_NAME, LabHost

SMTP_PORT = 25
GREETING_SECONDS = 10.0
REPLY_SECONDS = 60.0
READY, GO_ON = 220, 354


class Stage(StrEnum):
    """The part of a session that an attempt ended in."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "EHLO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "content"
    END = "end of message"


@dataclass(frozen=True)
class Letter:
    """A message with CRLF line ends for one recipient; `ident` names it wherever it gets to."""

    ident: str
    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True)
class Attempt:
    """How one session went. Times are seconds since 1970; `code` is None where no reply came."""

    host: str
    started: float
    ended: float
    stage: Stage
    code: int | None
    text: str

    @property
    def accepted(self) -> bool:
        """Whether the exchanger has taken responsibility for the message."""
        return self.stage is Stage.END and self.code == SMTP_OK

    @property
    def unknown(self) -> bool:
        """Whether the end of the message was sent and no answer seen (RFC 5321, 4.5.3.2.6, RFC 1047)."""
        return self.stage is Stage.END and self.code is None

    @property
    def queue_id(self) -> str | None:
        """Postfix's queue id of an accepted message."""
        return self.text.rsplit(" ", 1)[-1] if self.accepted else None


class _Ended(Exception):  # noqa: N818 - a way for a session to end, not a fault
    """The reply that ends an attempt early."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code, self.text = code, text


class _Dialogue:
    """A session under way; `stage` says what is waited for."""

    def __init__(self) -> None:
        self.stage = Stage.CONNECT
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, host: LabHost) -> None:
        self._reader, self._writer = await asyncio.wait_for(
            asyncio.open_connection(str(host.address), SMTP_PORT), GREETING_SECONDS
        )
        self.stage = Stage.GREETING
        await self._expect(READY, GREETING_SECONDS)

    async def say(self, stage: Stage, line: bytes, expected: int = SMTP_OK) -> str:
        assert self._writer is not None
        self.stage = stage
        self._writer.write(line + b"\r\n")
        return await self._expect(expected, REPLY_SECONDS)

    async def content(self, data: bytes) -> str:
        """Send the message; the stage is END from the moment its last bytes may leave."""
        assert self._writer is not None
        self.stage = Stage.CONTENT
        stuffed = (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:]
        self._writer.write(stuffed)
        await asyncio.wait_for(self._writer.drain(), REPLY_SECONDS)
        self.stage = Stage.END
        self._writer.write(b".\r\n")
        return await self._expect(SMTP_OK, REPLY_SECONDS)

    def leave(self) -> None:
        if self._writer is not None:
            if self.stage is Stage.END:
                self._writer.write(b"QUIT\r\n")
            self._writer.close()

    async def _expect(self, expected: int, seconds: float) -> str:
        code, text = await asyncio.wait_for(self._reply(), seconds)
        if code != expected:
            raise _Ended(code, text)
        return text

    async def _reply(self) -> tuple[int, str]:
        while True:
            line = await self._reader.readuntil(b"\n")
            if line[3:4] != b"-":
                return int(line[:3]), line[4:].decode(errors="replace").strip()


async def attempt(host: LabHost, letter: Letter) -> Attempt:
    """Hand `letter` to port 25 of `host`, without TLS; never raises for what the peer or the network does."""
    started = time.time()
    dialogue = _Dialogue()
    code: int | None = None
    try:
        await dialogue.open(host)
        await dialogue.say(Stage.EHLO, f"EHLO {CONTROLLER_NAME}".encode())
        await dialogue.say(Stage.MAIL, f"MAIL FROM:<{letter.sender}>".encode())
        await dialogue.say(Stage.RCPT, f"RCPT TO:<{letter.recipient}>".encode())
        await dialogue.say(Stage.DATA, b"DATA", GO_ON)
        text = await dialogue.content(letter.content)
        code = SMTP_OK
    except _Ended as end:
        code, text = end.code, end.text
    except (OSError, EOFError, TimeoutError, ValueError) as error:
        text = repr(error)
    ended = time.time()
    dialogue.leave()
    return Attempt(host.alias, started, ended, dialogue.stage, code, text)
