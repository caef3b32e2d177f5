"""The socketmap server in the words of socketmap_table(5)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.twinmx.peers import Raw
from twinmx.socketmap import SocketmapServer


def _lookup(key: str) -> str | None:
    if key == "boom":
        raise RuntimeError
    return f"<{key}>" if "@" in key else None


@pytest.fixture
async def client() -> AsyncIterator[Raw]:
    server = SocketmapServer({"srs": _lookup})
    await server.listen("127.0.0.1", 0)
    raw = await Raw.connect(server.port, greeting=False)
    yield raw
    raw.close()
    server.close()


async def answer(client: Raw) -> str:
    async with asyncio.timeout(2):
        digits = await client.reader.readuntil(b":")
        return (await client.reader.readexactly(int(digits[:-1]) + 1)).decode()


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"8:srs a@b.,", "OK <a@b.>,"),
        (b"8:srs nope,", "NOTFOUND ,"),
        (b"4:srs ,", "NOTFOUND ,"),
        (b"8:srs boom,", "TEMP RuntimeError,"),
        (b"5:x a@b,", "PERM there is no map 'x',"),
        (b"6:srs \xff@,", "NOTFOUND ,"),
        (b"7:srs \xc3\xa4@,", "OK <ä@>,"),
    ],
)
async def test_answers(client: Raw, request_: bytes, reply: str) -> None:
    await client.send(request_)
    if "ä" in reply:
        assert await client.reader.readexactly(11) == "8:OK <ä@>,".encode()
    else:
        assert await answer(client) == reply


async def test_many_requests_in_one_session(client: Raw) -> None:
    await client.send(b"8:srs a@b.," * 3)
    assert [await answer(client) for _ in range(3)] == ["OK <a@b.>,"] * 3


@pytest.mark.parametrize("garbage", [b"x:abc,", b"3:abcd", b"999999:", b":,", b"-1:,", b"GET / HTTP\r\n:"])
async def test_what_is_no_netstring_ends_the_session(client: Raw, garbage: bytes) -> None:
    await client.send(garbage)
    assert await client.ended()
