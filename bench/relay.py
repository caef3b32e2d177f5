"""The least that a relay can do: a bare `asyncio.Protocol` that passes whole messages on, and checks nothing.

Run as a process of its own: `python -m bench.relay PORT NEXT_PORT`. It is the limit that the forwarder is
compared with: same sockets, same commands, same copies of the message, and no work on any of it.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Callable

_END = b"\r\n.\r\n"
_EHLO = b"250-relay\r\n250-PIPELINING\r\n250-SIZE 100000000\r\n250-8BITMIME\r\n250 XFORWARD NAME ADDR\r\n"
_OK = b"250 2.0.0 ok\r\n"
_ENVELOPE = b"MAIL FROM:<a@sender.example>\r\nRCPT TO:<hello@mailbox.example>\r\nDATA\r\n"
_ADDRESS = "127.0.0.1"


class _Onward(asyncio.Protocol):
    """A kept connection to the next hop; one message at a time."""

    def __init__(self) -> None:
        self._replies = 0
        self._awaited = 0
        self._then: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"HELO relay\r\n")
        self._awaited, self._replies = 2, 0

    def data_received(self, data: bytes) -> None:
        self._replies += data.count(b"\n")
        if self._replies >= self._awaited:
            self._then()

    def send(self, message: bytes, done: Callable[[], None]) -> None:
        def finish() -> None:
            self._then = lambda: None
            done()

        def content() -> None:
            self._ask(message, 1, finish)

        self._ask(_ENVELOPE, 3, content)

    def _ask(self, data: bytes, replies: int, then: Callable[[], None]) -> None:
        self._replies, self._awaited, self._then = 0, replies, then
        self._transport.write(data)


class _Inward(asyncio.Protocol):
    """One client; `free` are the connections that wait for a message."""

    def __init__(self, free: deque[_Onward]) -> None:
        self._free = free
        self._pending = bytearray()
        self._searched = 0
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 relay ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._pending += data
        answers = []
        while not self._in_data and (at := self._pending.find(b"\r\n")) >= 0:
            verb = bytes(self._pending[:4])
            del self._pending[: at + 2]
            self._in_data = verb == b"DATA"
            answers.append(_EHLO if verb == b"EHLO" else b"354 go on\r\n" if self._in_data else _OK)
        self._transport.write(b"".join(answers))
        if self._in_data and self._pending.find(_END, self._searched) >= 0:
            onward = self._free.popleft()
            message = bytes(self._pending)
            self._pending.clear()
            self._searched = 0
            onward.send(message, lambda: self._taken(onward))
        elif self._in_data:
            self._searched = max(0, len(self._pending) - len(_END))

    def _taken(self, onward: _Onward) -> None:
        self._free.append(onward)
        self._in_data = False
        self._transport.write(_OK)


async def main(port: int, next_port: int, connections: int = 20) -> None:
    """Relay until killed; more clients at once than `connections` are not provided for."""
    loop = asyncio.get_running_loop()
    free: deque[_Onward] = deque()
    for _ in range(connections):
        free.append((await loop.create_connection(_Onward, _ADDRESS, next_port))[1])
    await loop.create_server(lambda: _Inward(free), _ADDRESS, port)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
