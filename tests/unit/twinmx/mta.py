"""The other side of a milter: an MTA that speaks the protocol on bare bytes, as Postfix does."""

import asyncio
import struct
from dataclasses import dataclass, field

QUIET = 0x1FFFFF
"""All options that Postfix offers; 0 is an MTA of old, which waits for an answer to everything."""

FINAL = b"cartyd"
FIELDS = ((b"From", b" a@sender.example"), (b"Subject", b" one\n\ttwo"), (b"X-Odd", b"no blank "))
BODY = b"Hello.\r\n.\r\nbye\r\n"
CONTENT = b"From: a@sender.example\r\nSubject: one\r\n\ttwo\r\nX-Odd:no blank \r\n\r\n" + BODY


def packet(letter: bytes, data: bytes = b"") -> bytes:
    return struct.pack("!I", len(data) + 1) + letter + data


@dataclass
class Mta:
    """A session with a milter on loopback; what is said waits in `unsent` until an answer is due."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    options: int = 0
    macros: bytes = b""
    unsent: bytes = field(default=b"")

    @classmethod
    async def connect(
        cls, port: int, *, options: int = QUIET, client: bytes = b"out.sender.example\x004\x09\xc4203.0.113.9"
    ) -> "Mta":
        mta = cls(*await asyncio.open_connection("127.0.0.1", port))
        mta.writer.write(packet(b"O", struct.pack("!III", 6, 0x1FF, options)))
        letter, data = await mta.answer()
        assert letter == b"O"
        _, _, mta.options = struct.unpack("!III", data[:12])
        mta.macros = data[12:]
        await mta.say(b"C", client + b"\0", silent=0x1000)
        await mta.say(b"H", b"helo.sender.example\0", silent=0x2000)
        return mta

    async def answer(self) -> tuple[bytes, bytes]:
        async with asyncio.timeout(5):
            (length,) = struct.unpack("!I", await self.reader.readexactly(4))
            data = await self.reader.readexactly(length)
        return data[:1], data[1:]

    async def say(self, letter: bytes, data: bytes = b"", *, silent: int = 0) -> None:
        """Say what needs no decision; where an answer was not negotiated away it must be "go on"."""
        self.unsent += packet(letter, data)
        if not self.options & silent:
            await self.flush()
            assert await self.answer() == (b"c", b"")

    async def flush(self) -> None:
        self.writer.write(self.unsent)
        self.unsent = b""
        await self.writer.drain()

    async def ask(self, letter: bytes, data: bytes = b"") -> list[tuple[bytes, bytes]]:
        """Everything that is answered, up to the decision."""
        self.unsent += packet(letter, data)
        await self.flush()
        answers = [await self.answer()]
        while answers[-1][0] not in FINAL:
            answers.append(await self.answer())
        return answers

    async def mail(self, sender: bytes = b"<a@sender.example>") -> None:
        await self.say(b"M", sender + b"\0SIZE=100\0", silent=0x4000)

    async def rcpt(self, recipient: str) -> str:
        """Name a recipient; returns the reply, or "go on"."""
        ((letter, data),) = await self.ask(b"R", f"<{recipient}>".encode() + b"\0NOTIFY=NEVER\0")
        return data.rstrip(b"\0").decode() if letter == b"y" else {b"c": "go on"}[letter]

    async def data(self, body: bytes = BODY, queue_id: bytes = b"4bXyZ1") -> list[tuple[bytes, bytes]]:
        """Send a message; returns all that is answered."""
        if not self.options & 0x200:
            await self.say(b"T")
        for name, value in FIELDS:
            await self.say(b"L", name + b"\0" + value + b"\0", silent=0x80)
        if not self.options & 0x40:
            await self.say(b"N")
        for start in range(0, len(body), 65535):
            await self.say(b"B", body[start : start + 65535], silent=0x80000)
        if queue_id:
            self.unsent += packet(b"D", b"Ei\0" + queue_id + b"\0")
        return await self.ask(b"E")

    async def abort(self) -> None:
        self.unsent += packet(b"A")
        await self.flush()

    async def ended(self) -> bool:
        async with asyncio.timeout(5):
            return await self.reader.read() == b""

    def close(self) -> None:
        self.writer.close()
