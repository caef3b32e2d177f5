"""An SMTP client that costs next to nothing: sends numbered messages over several kept connections.

Run as a process of its own: `python -m bench.smtp_source JSON`, where JSON is a `Load`. It prints one JSON
object: for each message id when it was sent off and when it was accepted, in seconds since 1970, and the
refusals. Commands are pipelined as Postfix's own client does it, XFORWARD included where asked for.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field

_LINE = b"This line is as long as lines of letters are, and nobody will ever read what it says.\r\n"
_OK = b"2"


@dataclass(frozen=True)
class Load:
    """What is sent: `rate` in messages a second, 0 for as fast as the connections carry it."""

    address: str
    port: int
    messages: int
    size: int
    connections: int
    recipients: list[str]
    rate: float = 0.0
    xforward: bool = False
    per_connection: int = 100  # Postfix keeps a cached connection for as many, by time rather than number
    sender: str = "sender@sender.example"


@dataclass
class Sent:
    """When each message was sent off and accepted; `refused` maps a reply to how often it came."""

    started: dict[int, float] = field(default_factory=dict)
    accepted: dict[int, float] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)


def content(number: int, size: int) -> bytes:
    """A message of about `size` bytes, its end included."""
    header = (
        b"X-Bench-Id: %d\r\nFrom: sender@sender.example\r\nTo: somebody@alias.example\r\n"
        b"Subject: measured message %d\r\nMessage-ID: <%d.bench@sender.example>\r\n"
        b"Date: Sun, 22 Nov 2026 03:00:00 +0000\r\n\r\n" % (number, number, number)
    )
    lines = max(1, (size - len(header)) // len(_LINE))
    return header + _LINE * lines + b".\r\n"


async def _reply(reader: asyncio.StreamReader) -> bytes:
    while True:
        line = await reader.readline()
        if line[3:4] != b"-":
            return line


async def _connect(load: Load) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(load.address, load.port)
    await _reply(reader)
    writer.write(b"EHLO source.sender.example\r\n")
    await _reply(reader)
    return reader, writer


def _commands(load: Load, number: int) -> tuple[bytes, int]:
    """The commands of one transaction up to DATA, and how many replies they have."""
    recipient = load.recipients[number % len(load.recipients)]
    transaction = f"MAIL FROM:<{load.sender}> SIZE={load.size}\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()
    if not load.xforward:
        return transaction, 3
    origin = f"XFORWARD NAME=source ADDR=203.0.113.9 PORT=2525 PROTO=ESMTP HELO=source IDENT=Q{number}\r\n"
    return origin.encode() + transaction, 4


async def _worker(load: Load, numbers: asyncio.Queue[int], sent: Sent, begun: float) -> None:
    streams, used = await _connect(load), 0
    while not numbers.empty():
        number = numbers.get_nowait()
        if load.rate:
            await asyncio.sleep(max(0.0, begun + number / load.rate - time.time()))
        if used >= load.per_connection:
            streams[1].write(b"QUIT\r\n")
            streams[1].close()
            streams, used = await _connect(load), 0
        used += 1
        reader, writer = streams
        commands, replies = _commands(load, number)
        sent.started[number] = time.time()
        writer.write(commands)
        answers = [await _reply(reader) for _ in range(replies)]
        if answers[-1].startswith(b"354"):
            writer.write(content(number, load.size))
            await writer.drain()
            answers = [await _reply(reader)]
        if answers[-1].startswith(_OK):
            sent.accepted[number] = time.time()
        else:
            refusal = next(answer for answer in answers if answer[:1] not in b"23").decode().strip()
            sent.refused[refusal[:60]] = sent.refused.get(refusal[:60], 0) + 1
            used = load.per_connection
    streams[1].write(b"QUIT\r\n")
    streams[1].close()


async def main(load: Load) -> None:
    """Send it all and print what became of it."""
    numbers: asyncio.Queue[int] = asyncio.Queue()
    for number in range(load.messages):
        numbers.put_nowait(number)
    sent = Sent()
    async with asyncio.TaskGroup() as group:
        for _ in range(load.connections):
            group.create_task(_worker(load, numbers, sent, time.time()))
    print(json.dumps(asdict(sent)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Load(**json.loads(sys.argv[1]))))
