"""An SMTP server that costs next to nothing: where measured mail ends, and when.

Run as a process of its own: `python -m bench.smtp_sink ADDRESS PORT EXPECT SECONDS`. It prints `ready`, takes
mail until EXPECT different messages came or SECONDS passed, and prints one JSON object: for each message id
the time of its arrival in seconds since 1970, and how many came more than once.
"""

import asyncio
import json
import re
import sys
import time

_ID = re.compile(rb"^X-Bench-Id: ([0-9]+)\r$", re.MULTILINE)
_EHLO = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 100000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN\r\n"
_END = b"\r\n.\r\n"


class Arrivals:
    """Who came when; `complete` is set with the last one."""

    def __init__(self, expect: int) -> None:
        self.expect = expect
        self.times: dict[int, float] = {}
        self.repeated = 0
        self.complete = asyncio.Event()

    def take(self, content: bytes) -> None:
        """Note a message that has come."""
        found = _ID.search(content, 0, 1 << 16)
        number = int(found[1]) if found else -1
        if number in self.times:
            self.repeated += 1
        self.times.setdefault(number, time.time())
        if len(self.times) >= self.expect:
            self.complete.set()


class Session(asyncio.Protocol):
    """One client; commands may be pipelined."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._pending = bytearray()
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer what is complete, in one write."""
        searched = max(0, len(self._pending) - len(_END))
        self._pending += data
        answers = []
        while True:
            end = _END if self._in_data else b"\r\n"
            at = self._pending.find(end, searched)
            if at < 0:
                break
            searched = 0
            taken = bytes(self._pending[:at])
            del self._pending[: at + len(end)]
            answers.append(self._message(taken) if self._in_data else self._command(taken))
        if answers:
            self._transport.write(b"".join(answers))

    def _message(self, content: bytes) -> bytes:
        self._in_data = False
        self._arrivals.take(content)
        return b"250 2.0.0 ok\r\n"

    def _command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"DATA":
            self._in_data = True
            return b"354 go on\r\n"
        if verb == b"EHLO":
            return _EHLO
        if verb == b"QUIT":
            self._transport.write(b"221 2.0.0 bye\r\n")
            self._transport.close()
            return b""
        return b"250 2.0.0 ok\r\n"


async def main(address: str, port: int, expect: int, seconds: float) -> None:
    """Serve, and print what arrived."""
    arrivals = Arrivals(expect)
    server = await asyncio.get_running_loop().create_server(lambda: Session(arrivals), address, port)
    print("ready", flush=True)
    try:
        async with asyncio.timeout(seconds):
            await arrivals.complete.wait()
    except TimeoutError:
        pass
    server.close()
    print(json.dumps({"times": arrivals.times, "repeated": arrivals.repeated}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
