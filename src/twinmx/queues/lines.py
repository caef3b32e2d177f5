"""The lines that a program writes, as they come: its output is never held as a whole, nor an endless line."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

CHUNK_BYTES = 1 << 16
REAP_SECONDS = 1.0
"""For a killed process to be gone, with what it wrote last; a child of its own may hold on to that."""


class LongLineError(ValueError):
    """A line is longer than was allowed."""


@asynccontextmanager
async def running(command: Sequence[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `command` for the time of the block; it is killed at its end. Raises `OSError`."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(REAP_SECONDS):
                await process.communicate()  # wait() alone waits for ever where output is left unread


async def lines(stream: asyncio.StreamReader, longest: int) -> AsyncIterator[bytes]:
    """The lines of `stream` without their ends; raises `LongLineError` past `longest` bytes."""
    rest = b""
    while chunk := await stream.read(CHUNK_BYTES):
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            yield line
        if len(rest) > longest:
            raise LongLineError(f"a line is longer than {longest} bytes")
    if rest:
        yield rest
