"""A filter for milter sessions that notes what it is shown."""

import asyncio

from twinmx.milter import answers
from twinmx.milter.session import Client, Mail

HERE = "hello@alias.example"


class Recorder:
    """A filter that notes what it is shown; a message waits for `gate`."""

    def __init__(self) -> None:
        self.begun: list[tuple[Client, str]] = []
        self.recipients: list[str] = []
        self.mails: list[Mail] = []
        self.abandoned = asyncio.Event()
        self.busy = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.answer = answers.CONTINUE

    def begin(self, client: Client, sender: str) -> "Recorder":
        self.begun.append((client, sender))
        return self

    async def recipient(self, address: str) -> bytes:
        self.recipients.append(address)
        return self.answer

    async def message(self, mail: Mail) -> bytes:
        self.busy.set()
        await self.gate.wait()
        self.mails.append(mail)
        return self.answer

    async def abandon(self) -> None:
        self.abandoned.set()


async def seen(event: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await event.wait()
