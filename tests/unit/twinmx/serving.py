"""An SMTP server with a handler that a test holds in its hand."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.unit.twinmx.peers import Raw
from twinmx.smtp.envelope import Envelope, Reply
from twinmx.smtp.server import Server

OK = Reply(250, "2.0.0", "taken")
MAIL = "MAIL FROM:<a@sender.example>"
RCPT = "RCPT TO:<b@alias.example>"
Start = Callable[..., Awaitable[Server]]


class Handler:
    """Keeps what it gets; waits for `gate` first."""

    def __init__(self) -> None:
        self.taken: list[tuple[Envelope, bytes]] = []
        self.reply: Reply | Exception = OK
        self.gate = asyncio.Event()
        self.gate.set()
        self.busy = asyncio.Event()

    async def __call__(self, envelope: Envelope, message: bytes) -> Reply:
        self.busy.set()
        await self.gate.wait()
        self.taken.append((envelope, message))
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


async def ready(server: Server) -> Raw:
    raw = await Raw.connect(server.port)
    await raw.ask("EHLO client.example")
    return raw


async def hand_in(raw: Raw, announced: str = "") -> None:
    """Send a message, and do not wait for the reply to it."""
    await raw.send(f"{MAIL}{announced}\r\n{RCPT}\r\nDATA\r\n".encode())
    await raw.replies(3)
    await raw.send(b"x\r\n.\r\n")
