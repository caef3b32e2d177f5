"""An address of an envelope against the snapshot: an alias or none, and in any case the same one."""

import atexit
import shutil
import tempfile
from pathlib import Path

from twinmx.aliases.model import Alias
from twinmx.aliases.snapshot import Snapshot
from twinmx.aliases.update import build_snapshot

ALIAS = Alias("hello@alias.example", ("hello@mailbox.example",), "ada")
SEEDS = (b"hello@alias.example", b"HELLO@Alias.Example", b'"hello"@alias.example', b"\xff@alias.example", b"")
TOKENS = (b"hello", b"@", b"alias.example", b"\0", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}".encode())
FOLDER = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, FOLDER)
build_snapshot((ALIAS,), FOLDER / "aliases.lmdb")
SNAPSHOT = Snapshot(FOLDER / "aliases.lmdb")


def one_input(data: bytes) -> None:
    """As the gate (any bytes) and the forwarder (UTF-8) decode it."""
    address = data.decode("utf-8", "surrogateescape")
    found = SNAPSHOT.lookup(address)
    assert found in (None, ALIAS)
    assert (found is not None) == (address.lower() == ALIAS.address), address
