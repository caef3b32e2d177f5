"""The snapshot as Postfix reads it: lmdb_table(5), access(5), and values that end at their first NUL."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb

from twinmx.aliases.snapshot import delta_of

UNKNOWN = "550 5.1.1 User unknown in relay recipient table"


@contextmanager
def tables(target: Path) -> Iterator[list[dict[bytes, bytes]]]:
    """The unnamed tables of delta and base, in the order in which main.cf names them."""
    with tempfile.TemporaryDirectory() as directory:
        # copies, because LMDB opens no file twice in one process
        copies = [Path(directory, path.name) for path in (delta_of(target), target)]
        for copy in copies:
            shutil.copy(target.with_name(copy.name), copy)
        yield [_read(copy) for copy in copies]


def _read(path: Path) -> dict[bytes, bytes]:
    environment = lmdb.open(str(path), subdir=False, readonly=True, lock=False)
    with environment, environment.begin() as transaction:
        return dict(transaction.cursor())


def answer(found: list[dict[bytes, bytes]], address: str) -> str:
    """What RCPT TO:<address> is answered: "OK", or the refusal."""
    key = address.lower().encode()
    actions = [table[key].split(b"\0")[0].decode() for table in found if key in table]
    return actions[0] if actions else UNKNOWN
