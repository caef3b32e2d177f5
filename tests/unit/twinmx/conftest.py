"""What several files of tests start: our programs, and peers for them, with real sockets on loopback."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

import fakeredis
import pytest

from tests.unit.twinmx import recovering
from tests.unit.twinmx.failover_pair import Closed, Pair, running
from tests.unit.twinmx.forwarder_program import ForwarderProgram
from tests.unit.twinmx.gatehouse import Gatehouse
from tests.unit.twinmx.limiting import LimiterWorld, MakeLimiter
from tests.unit.twinmx.peers import Engines, Sink
from tests.unit.twinmx.quarantined import Host, Serve
from tests.unit.twinmx.recorder import Recorder
from tests.unit.twinmx.serving import Handler, Start
from tests.unit.twinmx.world import World
from twinmx.aliases.model import Alias
from twinmx.aliases.update import build_snapshot
from twinmx.failover import port25
from twinmx.limits import store
from twinmx.limits.settings import Limits as RateLimits
from twinmx.milter.server import MilterServer
from twinmx.smtp.dialogue import Limits
from twinmx.smtp.server import Server

ALIASES = (
    Alias("hello@alias.example", ("hello@mailbox.example",), "ada"),
    Alias("off@alias.example", ("hello@mailbox.example",), None, enabled=False),
    Alias("pair@alias.example", ("one@mailbox.example", "two@post.example"), "ada"),
)


@pytest.fixture
def ours(tmp_path: Path) -> recovering.Host:
    """An exchanger that takes another one's mail over."""
    return recovering.Host.make(tmp_path / "ours")


@pytest.fixture
def broken(tmp_path: Path) -> recovering.Host:
    """The one whose mail it is."""
    return recovering.Host.make(tmp_path / "broken")


@pytest.fixture
def old(tmp_path: Path) -> recovering.Host:
    """An exchanger that has a backup made."""
    return recovering.Host.make(tmp_path / "old")


@pytest.fixture
def new(tmp_path: Path) -> recovering.Host:
    """One that a backup is put back on."""
    return recovering.Host.make(tmp_path / "new")


@pytest.fixture
def snapshot_path(tmp_path: Path) -> Path:
    path = tmp_path / "aliases.lmdb"
    build_snapshot(ALIASES, path)
    return path


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """An independent SMTP server, as postfix-out."""
    server = Sink()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def fake() -> AsyncIterator[Engines]:
    engines = Engines()
    yield engines
    engines.close()


@pytest.fixture
async def handler() -> Handler:
    return Handler()


@pytest.fixture
async def start(handler: Handler) -> AsyncIterator[Start]:
    servers: list[Server] = []

    async def make(
        *,
        clients: str = "127.0.0.0/8",
        size: int = 10_000,
        recipients: int = 3,
        idle: float = 30,
        connections: int = 5,
        in_hand: int = 1 << 20,
    ) -> Server:
        server = Server(
            "mx1.alias.example",
            handler,
            clients=[ip_network(clients)],
            limits=Limits(size, recipients, idle, in_hand),
            max_connections=connections,
        )
        await server.listen("127.0.0.1", 0)
        servers.append(server)
        return server

    yield make
    for server in servers:
        await server.stop(0)


@pytest.fixture
async def world(tmp_path: Path, snapshot_path: Path, sink: Sink) -> AsyncIterator[World]:
    world = World(tmp_path, snapshot_path, sink)
    yield world
    await world.stop()


@pytest.fixture
async def gate(tmp_path: Path, snapshot_path: Path) -> AsyncIterator[Gatehouse]:
    gate = Gatehouse(tmp_path, snapshot_path)
    yield gate
    await gate.stop()


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def milter(recorder: Recorder) -> AsyncIterator[MilterServer]:
    milter = MilterServer(recorder.begin, keep=200_000)
    await milter.listen("127.0.0.1", 0)
    yield milter
    await milter.stop(0)


@pytest.fixture
async def program(snapshot_path: Path, sink: Sink) -> AsyncIterator[ForwarderProgram]:
    program = ForwarderProgram(snapshot_path, sink.port)
    yield program
    program.close()


@pytest.fixture
async def make_limiter() -> AsyncIterator[MakeLimiter]:
    worlds: list[LimiterWorld] = []

    def made(limits: RateLimits) -> LimiterWorld:
        worlds.append(LimiterWorld(limits))
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
def serve() -> Iterator[Serve]:
    """Start a sink on a loop of its own: the command has one as well."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    sinks: list[Sink] = []

    def start(sink: Sink) -> Sink:
        asyncio.run_coroutine_threadsafe(sink.start(), loop).result(10)
        sinks.append(sink)
        return sink

    yield start
    for sink in sinks:
        asyncio.run_coroutine_threadsafe(sink.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def host(tmp_path: Path, serve: Serve) -> Host:
    directory = tmp_path / "quarantine"
    directory.mkdir()
    host = Host(directory, tmp_path / "forwarder.toml", serve(Sink()))
    host.hands_on_to(host.sink.port)
    return host


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Closed:
    """What nft was told on either host: seconds that port 25 is closed, or None."""
    seen: Closed = []

    async def apply(seconds: float | None, _exempt: tuple[IPv4Address | IPv6Address, ...]) -> None:
        seen.append(seconds)

    monkeypatch.setattr(port25, "apply", apply)
    return seen


@pytest.fixture
async def pair(tmp_path: Path, closed: Closed, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    async with running(tmp_path, monkeypatch) as hosts:
        yield hosts
