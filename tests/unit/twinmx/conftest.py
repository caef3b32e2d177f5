"""Peers that the programs talk to: real sockets on loopback, never mocks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.twinmx.peers import Engines, Sink
from twinmx.aliases.model import Alias
from twinmx.aliases.snapshot import build_snapshot

ALIASES = (
    Alias("hello@alias.example", ("hello@mailbox.example",), "ada"),
    Alias("pair@alias.example", ("one@mailbox.example", "two@post.example"), "ada"),
    Alias("off@alias.example", ("hello@mailbox.example",), None, enabled=False),
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
