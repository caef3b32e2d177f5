"""A server for Postfix's socketmap tables (socketmap_table(5)): netstrings in, netstrings out.

Postfix asks it which rewritten senders are ours, so that a forged one is refused at RCPT and never
becomes a bounce, and which receivers have DANE. A fault of ours is TEMP, and Postfix tries again later.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping

_MAX_REQUEST = 10_000  # Postfix's own limit is 100,000; an address has 512 bytes at most
_MAX_DIGITS = 5

Lookup = Callable[[str], str | Awaitable[str | None] | None]
"""Returns the value of a key, at once or to be awaited; None where there is none."""


class SocketmapServer:
    """Answers lookups in the tables of `maps`, by name."""

    def __init__(self, maps: Mapping[str, Lookup]) -> None:
        self._maps = dict(maps)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def listen(self, address: str, port: int) -> None:
        """Accept connections, beside other workers on the same port; raises `OSError`."""
        self._server = await asyncio.start_server(self._serve, address, port, reuse_port=True)

    def close(self) -> None:
        """Accept no more and drop the sessions; Postfix asks another worker."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while (request := await _read_netstring(reader)) is not None:
                answer = (await self._answer(request)).encode()
                writer.write(b"%d:%b," % (len(answer), answer))
                await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, request: bytes) -> str:
        try:
            name, _, key = request.decode().partition(" ")
            lookup = self._maps.get(name)
            if lookup is None:
                return f"PERM there is no map {name[:40]!r}"
            looked_up = lookup(key)
            value = await looked_up if inspect.isawaitable(looked_up) else looked_up
        except UnicodeDecodeError:
            return "NOTFOUND "
        except Exception as error:
            return f"TEMP {type(error).__name__}"
        return "NOTFOUND " if value is None else f"OK {value}"


async def _read_netstring(reader: asyncio.StreamReader) -> bytes | None:
    """Return the next request, None at the end of the session or where it is no netstring."""
    try:
        digits = (await reader.readuntil(b":"))[:-1]
        if not digits.isdigit() or len(digits) > _MAX_DIGITS or int(digits) > _MAX_REQUEST:
            return None
        data = await reader.readexactly(int(digits) + 1)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    return data[:-1] if data.endswith(b",") else None
