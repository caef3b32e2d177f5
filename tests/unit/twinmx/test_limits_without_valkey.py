"""The limits while Valkey is away, frozen or somebody else: no message pays for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import fakeredis
import pytest

from tests.unit.twinmx.limiting import OTHER, LimiterWorld, MakeLimiter, settings
from tests.unit.twinmx.spamming import until
from twinmx.limits import guarded, statistics

PATIENCE = 10.0  # seconds for anything that is waited for
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def misbehaving(tmp_path: Path) -> AsyncIterator[Callable[[Conversation], Awaitable[Path]]]:
    """Starts a server on a unix socket that holds the given conversation with everybody."""
    servers: list[asyncio.Server] = []

    async def start(conversation: Conversation) -> Path:
        path = tmp_path / f"{len(servers)}.sock"
        servers.append(await asyncio.start_unix_server(conversation, path))
        return path

    yield start
    for server in servers:
        server.close()


async def test_without_valkey_the_worker_counts_and_says_so(
    make_limiter: MakeLimiter, tmp_path: Path
) -> None:
    world = make_limiter(settings(tmp_path / "none.sock"))

    answers = [await world.admit() for _ in range(3)]

    assert [answer.over for answer in answers] == [None, None, "alias"]
    assert world.metric("twinmx_limits_local") == 1
    assert world.metric("twinmx_limits_decisions_total", outcome="allowed", by="local") == 2
    assert world.metric("twinmx_limits_failures_total", cause="ConnectionError") >= 1


async def test_a_message_counted_locally_is_given_back_locally(
    make_limiter: MakeLimiter, tmp_path: Path
) -> None:
    world = make_limiter(settings(tmp_path / "none.sock"))
    first = await world.admit()
    await world.admit()
    await world.limiter.release(first)

    assert [(await world.admit()).allowed, (await world.admit()).allowed] == [True, False]


async def test_a_flood_that_is_on_stays_refused_when_valkey_goes(
    make_limiter: MakeLimiter, valkey: fakeredis.FakeServer
) -> None:
    world = make_limiter(settings())
    await world.admit()
    await world.admit()
    valkey.connected = False

    assert (await world.admit()).over == "alias"
    assert world.metric("twinmx_limits_local") == 1
    assert (await world.admit(OTHER)).allowed


async def test_after_one_message_has_waited_for_a_frozen_valkey_none_does(
    make_limiter: MakeLimiter,
    misbehaving: Callable[[Conversation], Awaitable[Path]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarded, "PROBE_SECONDS", 3600)
    visits: list[str] = []

    async def frozen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        visits.append("came")
        await reader.read()

    world = make_limiter(settings(await misbehaving(frozen), wait=0.05))
    assert (await world.admit()).allowed
    assert visits == ["came"]

    for _ in range(100):
        await world.admit()
    assert visits == ["came"]
    assert world.metric("twinmx_limits_failures_total", cause="TimeoutError") == 1


async def test_valkey_is_taken_up_again_when_it_is_back(
    make_limiter: MakeLimiter, valkey: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "PROBE_SECONDS", 0.01)
    world = make_limiter(settings())
    valkey.connected = False
    await world.admit()
    assert world.metric("twinmx_limits_local") == 1

    valkey.connected = True
    await until(lambda: world.metric("twinmx_limits_local") == 0)
    await world.admit(OTHER)
    assert world.metric("twinmx_limits_decisions_total", outcome="allowed", by="valkey") == 1


async def say(writer: asyncio.StreamWriter, text: bytes) -> None:
    writer.write(text)
    await writer.drain()


@pytest.mark.parametrize(
    "answer",
    [b"", b"\r\n", b"-ERR unknown command\r\n", b"-OOM command not allowed\r\n", b"HTTP/1.1 200 OK\r\n\r\n",
     b"$99999999999\r\n", b"*2\r\n", b"\xff" * 100_000, b":7\r\n", b"+OK\r\n$4\r\nspam\r\n"],
)  # fmt: skip
async def test_whatever_answers_in_valkeys_place_costs_no_message(
    make_limiter: MakeLimiter, misbehaving: Callable[[Conversation], Awaitable[Path]], answer: bytes
) -> None:
    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            if not answer:
                break
            await say(writer, answer)
        writer.close()

    world = make_limiter(settings(await misbehaving(odd), wait=0.5))

    assert [(await world.admit()).allowed for _ in range(3)] == [True, True, False]
    assert world.metric("twinmx_limits_local") == 1


async def test_close_is_quick_and_quiet_whatever_valkey_does(
    misbehaving: Callable[[Conversation], Awaitable[Path]],
) -> None:
    async def frozen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    for socket in (Path("/nowhere"), await misbehaving(frozen)):
        world = LimiterWorld(settings(socket, wait=0.05))
        await world.admit()
        async with asyncio.timeout(PATIENCE):
            await world.limiter.close()


async def test_statistics_that_cannot_be_handed_in_are_dropped_and_counted(
    make_limiter: MakeLimiter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(statistics, "LONGEST_ABSENCE_SECONDS", 0.02)
    world = make_limiter(settings(tmp_path / "none.sock", alias=100, mailbox=100))
    for _ in range(7):
        await world.admit()

    await until(lambda: world.metric("twinmx_limits_statistics_dropped_total") == 7)


async def test_statistics_that_fail_on_the_way_are_not_sent_twice(
    make_limiter: MakeLimiter, valkey: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "FLUSH_SECONDS", 0.05)
    world = make_limiter(settings())
    await world.admit()
    await world.admit()
    valkey.connected = False

    await until(lambda: world.metric("twinmx_limits_statistics_dropped_total") == 2)
    assert world.metric("twinmx_limits_local") == 1, "an idle worker notices as well"
