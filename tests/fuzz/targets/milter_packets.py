"""What comes to the gate: answers or a protocol error, the same however the network cuts the bytes."""

import asyncio
import struct
from typing import Any

from tests.fuzz.writer import Writer
from twinmx.milter import answers
from twinmx.milter.packets import ProtocolError, packet
from twinmx.milter.session import Client, Mail, Session

OFFER = packet(b"O", struct.pack("!III", 6, 0x1FF, 0x1FFFFF))
MESSAGE = b"".join(
    (
        packet(b"C", b"mail.sender.example\x004\x00\x19198.51.100.10\0"),
        packet(b"H", b"mail.sender.example\0"),
        packet(b"M", b"<a@sender.example>\0SIZE=10\0"),
        packet(b"R", b"<hello@alias.example>\0"),
        packet(b"D", b"Ei\x004bXyZ\0"),
        packet(b"L", b"From\0 a@sender.example\n\tx\0"),
        packet(b"B", b"body\r\n"),
        packet(b"E"),
    )
)
SEEDS = (
    b"\x05" + OFFER + MESSAGE,
    b"\x40" + OFFER + MESSAGE * 2 + packet(b"A") + packet(b"K"),
    b"\x01" + MESSAGE,
)
TOKENS = (OFFER, b"\0\0\0\x01", packet(b"R", b"<a>\0"), *map(packet, (b"E", b"A", b"K", b"Q")))
LOOP = asyncio.new_event_loop()
KEEP = 64

Seen = list[tuple[str, Any]]


class Recorder:
    """A transaction that writes down what it is asked."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    async def recipient(self, address: str) -> bytes:
        self._seen.append(("recipient", address))
        return answers.CONTINUE

    async def message(self, mail: Mail) -> bytes:
        assert len(mail.content) <= KEEP
        assert mail.size >= len(mail.content)
        self._seen.append(("message", mail))
        return answers.CONTINUE

    async def abandon(self) -> None:
        self._seen.append(("abandon", None))


class Pieces:
    """A stream that arrives in pieces of one size."""

    def __init__(self, data: bytes, step: int) -> None:
        self._pieces = [data[start : start + step] for start in range(0, len(data), step)]

    async def read(self, _most: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


async def _talk(wire: bytes, step: int) -> tuple[bytes, Seen, bool]:
    seen: Seen = []

    def begin(client: Client, sender: str) -> Recorder:
        seen.append(("begin", (client, sender)))
        return Recorder(seen)

    reader: Any = Pieces(wire, step)
    writer: Any = Writer()
    try:
        await Session(reader, writer, begin, KEEP).run()
    except ProtocolError:
        return writer.said, seen, False
    return writer.said, seen, True


def one_input(data: bytes) -> None:
    """The first byte says into how large pieces the network cuts the rest."""
    step, wire = (data[0] + 1, data[1:]) if data else (1, b"")
    told = LOOP.run_until_complete(_talk(wire, step))
    assert told == LOOP.run_until_complete(_talk(wire, max(1, len(wire)))), "it depends on the pieces"
    _, seen, _ = told
    begun = sum(kind == "begin" for kind, _ in seen)
    ended = sum(kind in ("message", "abandon") for kind, _ in seen)
    assert begun == ended, "a transaction without an end: what it counted would stay counted"
