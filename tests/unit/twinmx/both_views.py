"""An alias as Postfix answers it and as the forwarder knows it: they must agree at every moment."""

from pathlib import Path

from tests.unit.twinmx import postfix_view
from tests.unit.twinmx.conftest import ALIASES
from twinmx.aliases.model import Alias
from twinmx.aliases.snapshot import Snapshot

HELLO, OFF, PAIR = ALIASES
NEW = Alias("new@alias.example", ("new@mailbox.example",))
MOVED = Alias(HELLO.address, ("moved@mailbox.example",), "ada")
ADDRESSES = [HELLO.address, OFF.address, PAIR.address, NEW.address, "nobody@alias.example"]
View = dict[str, tuple[str, Alias | None]]


def view(target: Path, reader: Snapshot | None = None) -> View:
    """Each address as Postfix answers it and as the forwarder knows it; they must agree."""
    with postfix_view.tables(target) as found, Snapshot(target) as fresh:
        seen = {
            address: (postfix_view.answer(found, address), (reader or fresh).lookup(address))
            for address in ADDRESSES
        }
    for said, known in seen.values():
        expected = postfix_view.UNKNOWN if known is None else "OK" if known.enabled else None
        assert said == (expected or "550 5.1.1 this alias is disabled")
    return seen
