"""Workers restarted under load: nothing is lost, nothing comes twice."""

import asyncio
import signal
from collections import Counter
from contextlib import AsyncExitStack

import aiosmtplib

from tests.unit.twinmx.forwarder_program import ForwarderProgram
from tests.unit.twinmx.peers import Sink
from tests.unit.twinmx.supervised import Process, ended
from tests.unit.twinmx.world import header

CLIENTS, RESTARTS = 4, 2
ALIASES = {"hello@alias.example": 1, "pair@alias.example": 2}


class Client:
    """Keeps its connection for several messages, and tries again elsewhere when it fails, as Postfix does."""

    def __init__(self, name: int, port: int) -> None:
        self._name = name
        self._port = port
        self._smtp: aiosmtplib.SMTP | None = None
        self.enough = asyncio.Event()
        self.accepted: Counter[str] = Counter()
        self.unsure: list[str] = []

    async def run(self) -> None:
        while not self.enough.is_set():
            to, copies = list(ALIASES.items())[len(self.accepted) % len(ALIASES)]
            ident = f"{self._name}-{len(self.accepted)}"
            async with asyncio.timeout(20):
                while not await self._is_accepted(ident, to):
                    self._smtp = None
            self.accepted[ident] = copies
        if self._smtp is not None:
            self._smtp.close()

    async def _is_accepted(self, ident: str, to: str) -> bool:
        content_sent = False
        try:
            if self._smtp is None:
                self._smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=self._port, local_hostname="mx1")
                await self._smtp.connect()
            await self._smtp.mail("a@sender.example")
            await self._smtp.rcpt(to)
            content_sent = True
            await self._smtp.data(f"X-Ident: {ident}\r\n\r\nx\r\n".encode())
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPConnectError):
            if content_sent:
                self.unsure.append(ident)
            return False
        except aiosmtplib.SMTPResponseException as error:
            if error.code not in {421, 451}:
                raise
            return False
        return True


async def test_restarts_under_load_lose_and_repeat_nothing(program: ForwarderProgram, sink: Sink) -> None:
    async with AsyncExitStack() as stack:

        async def start(number: int) -> Process:
            process = await program.start("--worker", str(number))
            stack.push_async_callback(ended, process)
            await program.notified("READY=1")
            return process

        workers = [await start(1), await start(2)]
        clients = [Client(number, program.port) for number in range(CLIENTS)]
        tasks = [asyncio.create_task(client.run()) for client in clients]
        for turn in range(RESTARTS):
            taken = len(sink.accepted)
            while len(sink.accepted) < taken + 20:
                await asyncio.wait(tasks, timeout=0.01)
            worker = workers[turn % 2]
            worker.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                await worker.communicate()
            assert worker.returncode == 0
            workers[turn % 2] = await start(turn % 2 + 1)
        for client in clients:
            client.enough.set()
        await asyncio.gather(*tasks)
    assert [client.unsure for client in clients] == [[]] * CLIENTS
    arrived: Counter[str] = Counter()
    for envelope in sink.accepted:
        assert isinstance(envelope.content, bytes)
        arrived[header(envelope.content, "X-Ident")] += 1
    assert arrived == sum((client.accepted for client in clients), Counter())
