"""Independent peers for tests: an SMTP sink, an SMTP client that says exactly what it is told."""

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Sink:
    """aiosmtpd, which keeps what it accepts; `refuse` maps an address to the reply to its RCPT.

    The RCPT of an address in `hang` is never answered.
    """

    refuse: dict[str, str] = field(default_factory=dict)
    hang: set[str] = field(default_factory=set)
    final: str = "250 2.0.0 queued as SINK"
    accepted: list[Envelope] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._protocol, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()

    def _protocol(self) -> SMTP:
        self.connections += 1
        return SMTP(self, hostname="sink.example", enable_SMTPUTF8=True, data_size_limit=None)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.hang:
            await asyncio.Event().wait()
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Session, envelope: Envelope
    ) -> str:
        if self.final.startswith("250"):
            self.accepted.append(envelope)
        return self.final


class Raw:
    """A client on bare bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int, *, greeting: bool = True) -> "Raw":
        raw = cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 26))
        if greeting:
            await raw.reply()
        return raw

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> str:
        """Return the next reply, its lines joined; empty at the end of the connection."""
        lines = []
        async with asyncio.timeout(5):
            while line := await self.reader.readline():
                lines.append(line.decode().rstrip("\r\n"))
                if line[3:4] != b"-":
                    break
        return "\n".join(lines)

    async def ask(self, line: str) -> str:
        await self.send(line.encode() + b"\r\n")
        return await self.reply()

    async def replies(self, count: int) -> list[str]:
        return [await self.reply() for _ in range(count)]

    async def ended(self) -> bool:
        async with asyncio.timeout(5):
            return await self.reader.read() == b""

    def close(self) -> None:
        self.writer.close()


OURS = b"Minutes of yesterday"
"""Stands in the letter that an engine is shown before its verdict of spam counts."""


class Engines:
    """Fake spam engines on loopback: answering, or failing in the ways that real ones do.

    Each method returns the settings of such an engine. Those that answer let our own letter pass,
    and count it among no requests.
    """

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self._released = asyncio.Event()
        self._servers: list[asyncio.Server] = []

    async def rspamd(self, score: float, symbols: list[str]) -> dict[str, Any]:
        return _rspamd(await self._listen(self.rspamd_talk(score, symbols)))

    async def rspamd_saying(self, body: bytes) -> dict[str, Any]:
        return _rspamd(await self._listen(self._http(body)))

    def rspamd_talk(self, score: float, symbols: list[str]) -> Any:
        answer = {"score": score, "action": "no action", "symbols": {name: {"score": 1} for name in symbols}}
        return self._http(json.dumps(answer).encode())

    def _http(self, body: bytes) -> Any:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(asyncio.IncompleteReadError):
                while head := await reader.readuntil(b"\r\n\r\n"):
                    length = re.search(rb"(?i)content-length: (\d+)", head)
                    assert length is not None
                    request = head + await reader.readexactly(int(length[1]))
                    said = body
                    if OURS in request:
                        said = b'{"score": 0.5, "symbols": {}}'
                    else:
                        self.requests.append(request)
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said))
            writer.close()

        return talk

    async def spamd(self, score: float, symbols: list[str]) -> dict[str, Any]:
        body = ",".join(symbols).encode()
        return await self.spamd_saying(
            b"SPAMD/1.1 0 EX_OK\r\nContent-length: %d\r\nSpam: True ; %.1f / 5.0\r\n\r\n%b\r\n"
            % (len(body) + 2, score, body)
        )

    async def spamd_saying(self, answer: bytes) -> dict[str, Any]:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = await reader.read()
            if OURS in request:
                writer.write(b"SPAMD/1.1 0 EX_OK\r\nSpam: False ; 0.5 / 5.0\r\n\r\n")
            else:
                self.requests.append(request)
                writer.write(answer)
            writer.close()

        return _spamd(await self._listen(talk))

    async def rspamd_fault(self, fault: str) -> dict[str, Any]:
        return _rspamd(await self._fault(fault))

    async def spamd_fault(self, fault: str) -> dict[str, Any]:
        return _spamd(await self._fault(fault))

    async def _fault(self, fault: str) -> int:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if fault == "silent":
                await self._released.wait()
            elif fault == "garbage":
                await reader.read(10)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            writer.close()

        port = await self._listen(talk)
        if fault == "refused":
            self._servers.pop().close()
        return port

    async def _listen(self, talk: Any) -> int:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 24)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def close(self) -> None:
        self._released.set()
        for server in self._servers:
            server.close()


def _rspamd(port: int) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{port}", "budget_seconds": 0.2}


def _spamd(port: int) -> dict[str, Any]:
    return {"address": "127.0.0.1", "port": port, "budget_seconds": 0.2}
