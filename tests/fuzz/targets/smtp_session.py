"""A whole session with the forwarder: the same replies and messages however the network cuts the bytes."""

import asyncio
from typing import Any

from twinmx.smtp.budget import Budget
from twinmx.smtp.dialogue import Dialogue, Limits
from twinmx.smtp.envelope import Envelope, Reply
from twinmx.smtp.replies import ReplyReader
from twinmx.smtp.session import Session

SEEDS = (
    b"\x05EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
    b"Hi: x\r\n\r\n..\r\n.\r\nQUIT\r\n",
    b"\x01HELO a\r\nXFORWARD NAME=x IDENT=4b\r\nMAIL FROM:<> SIZE=9\r\nRSET\r\nNOOP\r\nVRFY x\r\nHELP\r\n",
    b"\x30EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\n"
    + b"x" * 400
    + b"\r\n.\r\nNOOP\r\n",
)
TOKENS = (
    *(f"{verb}\r\n".encode() for verb in ("DATA", "RSET", "NOOP", "QUIT", "EHLO a", "HELO a")),
    b"MAIL FROM:<>\r\n",
    b"RCPT TO:<a@b.example>\r\n",
    b"XFORWARD IDENT=a\r\n",
    b"\r\n.\r\n",
)
LIMITS = Limits(max_message_size=300, max_recipients=1, idle_seconds=30, max_bytes_in_hand=1 << 20)
LOOP = asyncio.new_event_loop()


class Wire(asyncio.Transport):
    """What the session writes, and whether it wants to be read."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""
        self.paused = self.closed = False

    def write(self, data: Any) -> None:
        assert not self.closed
        self.said += bytes(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default


async def _converse(wire: bytes, step: int) -> tuple[bytes, list[tuple[Envelope, bytes]]]:
    taken: list[tuple[Envelope, bytes]] = []

    async def handle(envelope: Envelope, message: bytes) -> Reply:
        taken.append((envelope, message))
        return Reply(250, "2.0.0", "ok")

    dialogue = Dialogue("mx.example", LIMITS, {}, Budget(LIMITS.max_bytes_in_hand))
    session = Session("mx.example", LIMITS, dialogue, handle, lambda _peer: None, lambda _session: None)
    transport = Wire()
    session.connection_made(transport)
    for start in range(0, len(wire), step):
        if transport.closed:
            break
        session.data_received(wire[start : start + step])
        for _ in range(200):  # messages that are pipelined, one after the other
            if not transport.paused:
                break
            await asyncio.sleep(0)
        assert not transport.paused, "it never reads again"
    session.connection_lost(None)
    return transport.said, taken


def one_input(data: bytes) -> None:
    """The first byte says into how large pieces the network cuts the rest."""
    step, wire = (data[0] + 1, data[1:]) if data else (1, b"")
    said, taken = LOOP.run_until_complete(_converse(wire, step))
    assert (said, taken) == LOOP.run_until_complete(_converse(wire, max(1, len(wire)))), (
        "it depends on the pieces"
    )
    assert all(reply.code for reply in ReplyReader().feed(said))
    for envelope, message in taken:
        assert len(envelope.recipients) == 1
        assert len(message) <= LIMITS.max_message_size
