"""Peers that the programs talk to: real sockets on loopback, never mocks."""

from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.unit.twinmx.peers import Engines, Sink
from tests.unit.twinmx.serving import Handler, Start
from twinmx.aliases.model import Alias
from twinmx.aliases.update import build_snapshot
from twinmx.smtp.dialogue import Limits
from twinmx.smtp.server import Server

ALIASES = (
    Alias("hello@alias.example", ("hello@mailbox.example",), "ada"),
    Alias("off@alias.example", ("hello@mailbox.example",), None, enabled=False),
    Alias("pair@alias.example", ("one@mailbox.example", "two@post.example"), "ada"),
)


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
