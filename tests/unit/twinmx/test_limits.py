"""What programs ask of the limits, with an imitation of Valkey, and with real sockets that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import fakeredis
import pytest
from prometheus_client import CollectorRegistry

from tests.unit.twinmx.spamming import until
from twinmx.limits import guarded, statistics, store
from twinmx.limits.limiter import Admission, Limiter
from twinmx.limits.settings import BOUNCES, Limits, Valkey, Window

ALIAS, OTHER, MAILBOX = "shop@alias.example", "news@alias.example", "ada@mailbox.example"
PASSWORD = "staple-of-many-words"
PATIENCE = 10.0  # seconds for anything that is waited for
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def settings(socket: Path = Path("/nowhere"), alias: int = 2, mailbox: int = 3, wait: float = 5.0) -> Limits:
    return Limits(
        alias=Window(count=alias, window_seconds=60),
        mailbox=Window(count=mailbox, window_seconds=60),
        answer=550,
        text="5.2.1 Too much",
        valkey=Valkey(socket=socket, wait_seconds=wait),
    )


class World:
    """A limiter and what it shows to Prometheus."""

    def __init__(self, limits: Limits) -> None:
        self.registry = CollectorRegistry()
        self.limiter = Limiter(limits, PASSWORD, self.registry)

    async def admit(self, alias: str = ALIAS, sender: str = "eve@sender.example") -> Admission:
        return await self.limiter.admit(alias, [MAILBOX], account="ada", sender=sender)

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


Make = Callable[[Limits], World]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    worlds: list[World] = []

    def made(limits: Limits) -> World:
        worlds.append(World(limits))
        return worlds[-1]

    yield made
    for world in worlds:
        await world.limiter.close()


@pytest.fixture
def valkey(monkeypatch: pytest.MonkeyPatch) -> fakeredis.FakeServer:
    """One server for every limiter of the test."""
    server = fakeredis.FakeServer(server_type="valkey")
    monkeypatch.setattr(store, "client", lambda _place, _password: fakeredis.FakeAsyncValkey(server=server))
    return server


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


@pytest.mark.usefixtures("valkey")
async def test_an_alias_takes_its_limit_and_no_more(make: Make) -> None:
    world = make(settings())

    answers = [await world.admit() for _ in range(3)]

    assert [answer.allowed for answer in answers] == [True, True, False]
    assert answers[-1].over == "alias"
    assert world.metric("twinmx_limits_decisions_total", outcome="allowed", by="valkey") == 2
    assert world.metric("twinmx_limits_decisions_total", outcome="alias", by="valkey") == 1


@pytest.mark.usefixtures("valkey")
async def test_all_aliases_of_a_mailbox_count_together(make: Make) -> None:
    world = make(settings(alias=10))

    answers = [await world.admit(f"alias-{number}@alias.example") for number in range(4)]

    assert [answer.over for answer in answers] == [None, None, None, "mailbox"]


@pytest.mark.usefixtures("valkey")
async def test_what_is_refused_is_counted_nowhere(make: Make) -> None:
    world = make(settings(alias=2, mailbox=3))
    for _ in range(10):
        await world.admit()

    assert (await world.admit(OTHER)).allowed
    assert (await world.admit(OTHER)).over == "mailbox"


@pytest.mark.usefixtures("valkey")
async def test_bounces_have_a_wider_window_of_their_own(make: Make) -> None:
    world = make(settings(alias=2))

    async def bounce() -> Admission:
        return await world.limiter.admit(ALIAS, [], account=None, sender="", bounce=True)

    first = await bounce()
    assert [(await bounce()).over for _ in range(2 * BOUNCES)] == [*[None] * (2 * BOUNCES - 1), "alias"]
    await world.limiter.release(first)
    assert (await bounce()).allowed
    assert (await world.admit()).allowed
    assert world.metric("twinmx_limits_decisions_total", outcome="alias", by="valkey") == 1


@pytest.mark.usefixtures("valkey")
async def test_workers_count_together(make: Make) -> None:
    one, two = make(settings()), make(settings())
    await one.admit()
    await two.admit()

    assert [(await one.admit()).over, (await two.admit()).over] == ["alias", "alias"]


@pytest.mark.usefixtures("valkey")
async def test_messages_at_the_same_moment_do_not_slip_through_together(make: Make) -> None:
    worlds = [make(settings(alias=5, mailbox=100)) for _ in range(3)]

    answers = await asyncio.gather(*(world.admit() for world in worlds * 10))

    assert sum(answer.allowed for answer in answers) == 5


@pytest.mark.usefixtures("valkey")
async def test_a_message_given_back_makes_room(make: Make) -> None:
    world = make(settings())
    first = await world.admit()
    await world.admit()
    await world.limiter.release(first)

    assert [(await world.admit()).allowed, (await world.admit()).allowed] == [True, False]


@pytest.mark.usefixtures("valkey")
async def test_giving_back_a_refused_message_changes_nothing(make: Make) -> None:
    world = make(settings())
    refused = [await world.admit() for _ in range(3)][-1]
    await world.limiter.release(refused)

    assert not (await world.admit()).allowed


async def test_without_valkey_the_worker_counts_and_says_so(make: Make, tmp_path: Path) -> None:
    world = make(settings(tmp_path / "none.sock"))

    answers = [await world.admit() for _ in range(3)]

    assert [answer.over for answer in answers] == [None, None, "alias"]
    assert world.metric("twinmx_limits_local") == 1
    assert world.metric("twinmx_limits_decisions_total", outcome="allowed", by="local") == 2
    assert world.metric("twinmx_limits_failures_total", cause="ConnectionError") >= 1


async def test_a_message_counted_locally_is_given_back_locally(make: Make, tmp_path: Path) -> None:
    world = make(settings(tmp_path / "none.sock"))
    first = await world.admit()
    await world.admit()
    await world.limiter.release(first)

    assert [(await world.admit()).allowed, (await world.admit()).allowed] == [True, False]


async def test_a_flood_that_is_on_stays_refused_when_valkey_goes(
    make: Make, valkey: fakeredis.FakeServer
) -> None:
    world = make(settings())
    await world.admit()
    await world.admit()
    valkey.connected = False

    assert (await world.admit()).over == "alias"
    assert world.metric("twinmx_limits_local") == 1
    assert (await world.admit(OTHER)).allowed


async def test_after_one_message_has_waited_for_a_frozen_valkey_none_does(
    make: Make, misbehaving: Callable[[Conversation], Awaitable[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "PROBE_SECONDS", 3600)
    visits: list[str] = []

    async def frozen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        visits.append("came")
        await reader.read()

    world = make(settings(await misbehaving(frozen), wait=0.05))
    assert (await world.admit()).allowed
    assert visits == ["came"]

    for _ in range(100):
        await world.admit()
    assert visits == ["came"]
    assert world.metric("twinmx_limits_failures_total", cause="TimeoutError") == 1


async def test_valkey_is_taken_up_again_when_it_is_back(
    make: Make, valkey: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "PROBE_SECONDS", 0.01)
    world = make(settings())
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
    make: Make, misbehaving: Callable[[Conversation], Awaitable[Path]], answer: bytes
) -> None:
    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            if not answer:
                break
            await say(writer, answer)
        writer.close()

    world = make(settings(await misbehaving(odd), wait=0.5))

    assert [(await world.admit()).allowed for _ in range(3)] == [True, True, False]
    assert world.metric("twinmx_limits_local") == 1


async def test_close_is_quick_and_quiet_whatever_valkey_does(
    misbehaving: Callable[[Conversation], Awaitable[Path]],
) -> None:
    async def frozen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    for socket in (Path("/nowhere"), await misbehaving(frozen)):
        world = World(settings(socket, wait=0.05))
        await world.admit()
        async with asyncio.timeout(PATIENCE):
            await world.limiter.close()


async def test_statistics_that_cannot_be_handed_in_are_dropped_and_counted(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(statistics, "LONGEST_ABSENCE_SECONDS", 0.02)
    world = make(settings(tmp_path / "none.sock", alias=100, mailbox=100))
    for _ in range(7):
        await world.admit()

    await until(lambda: world.metric("twinmx_limits_statistics_dropped_total") == 7)


async def test_statistics_that_fail_on_the_way_are_not_sent_twice(
    make: Make, valkey: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "FLUSH_SECONDS", 0.05)
    world = make(settings())
    await world.admit()
    await world.admit()
    valkey.connected = False

    await until(lambda: world.metric("twinmx_limits_statistics_dropped_total") == 2)
    assert world.metric("twinmx_limits_local") == 1, "an idle worker notices as well"


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({}, "give socket, or all of address, port and certificate"),
        ({"socket": "/s", "port": 1}, "give socket, or all of address, port and certificate"),
        ({"address": "192.0.2.1", "port": 1}, "give socket, or all of address, port and certificate"),
        ({"socket": "/s", "wait_seconds": 0}, "greater than 0"),
    ],
)
def test_a_valkey_that_cannot_be_is_refused(place: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Valkey.model_validate({"wait_seconds": 0.1} | place)
