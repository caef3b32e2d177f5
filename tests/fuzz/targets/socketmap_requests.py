"""What comes to the socketmap server: netstrings are answered with netstrings, the rest ends the session."""

import asyncio
from typing import Any

from tests.fuzz.writer import Writer
from twinmx.socketmap import SocketmapServer

SEEDS = (b"9:srs a@b.c,", b"3:srs,5:other,7:srs \xff\xfe\xfd,", b"00009:srs a@b.c,", b"99999:x", b"4:srs x")
TOKENS = (b"srs ", b",", b":", b"5:srs a,")
LOOP = asyncio.new_event_loop()
SERVER = SocketmapServer({"srs": lambda key: key or None})


async def _talk(data: bytes) -> bytes:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    writer: Any = Writer()
    await SERVER._serve(reader, writer)
    return bytes(writer.said)


def one_input(data: bytes) -> None:
    """Every answer is a netstring with a status of socketmap_table(5)."""
    said = LOOP.run_until_complete(_talk(data))
    while said:
        digits, _, rest = said.partition(b":")
        size = int(digits)
        assert rest[size : size + 1] == b",", said
        assert rest[:size].split(b" ", 1)[0] in (b"OK", b"NOTFOUND", b"PERM", b"TEMP")
        said = rest[size + 1 :]
