"""One LMDB file of the snapshot: how it is written, published and read. Files never change in place.

LMDB can change a file while others read it, with locks that Postfix does not take (it uses its own,
fcntl(2) on the whole file). So a file is written beside the old one and renamed, and no lock is needed
between the one who writes and all who read.

The unnamed table is all there is: Postfix reads no other. The one key that is no address, `META`, begins
with a line feed, which no SMTP command can carry.
"""

import fcntl
import json
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import lmdb

from twinmx.durable import sync_directory

META = b"\nmeta"
FORMAT = 2

# address space, not disk: some hundred million aliases
_MAP_BYTES = 32 << 30
# what a transaction keeps in memory until it is committed
_RECORDS_PER_COMMIT = 20_000

Identity = tuple[int, int, int]
Record = tuple[bytes, bytes]


class SnapshotError(Exception):
    """The snapshot is missing or cannot be read: an answer is not known, which is never "no"."""


@contextmanager
def candidate(target: Path) -> Iterator[Path]:
    """Give an empty file beside `target`, which is removed afterwards unless it got another name.

    Those that a killed process left behind are removed too: a living one holds a lock on its own.
    """
    for stale in target.parent.glob(f".{target.stem}.*.lmdb"):
        _remove_unless_locked(stale)
    handle, path = _locked_file(target)
    try:
        os.fchmod(handle, 0o644)
        yield path
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _locked_file(target: Path) -> tuple[int, Path]:
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}.", suffix=".lmdb", dir=target.parent)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # another writer took it for a dead one's before it was locked


def _remove_unless_locked(path: Path) -> None:
    with suppress(OSError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)


def fill(path: Path, records: Iterable[Record], meta: dict[str, Any] | None = None) -> int:
    """Write `records`, in the order of their keys, and `meta` into the empty file `path`, to the disk.

    Returns how many there were. Memory does not grow with them. Raises `ValueError` for a key out of
    order or given twice, `lmdb.Error` or `OSError` where writing fails.
    """
    count = 0
    with lmdb.open(str(path), subdir=False, lock=False, sync=False, map_size=_MAP_BYTES) as environment:
        with environment.begin(write=True) as transaction:
            transaction.put(META, json.dumps({"format": FORMAT, **(meta or {})}).encode())
        remaining = iter(records)
        while batch := _append(environment, remaining):
            count += batch
        environment.sync(True)
    return count


def _append(environment: Any, records: Iterator[Record]) -> int:
    count = 0
    with environment.begin(write=True) as transaction:
        for key, value in records:
            if not transaction.put(key, value, append=True):
                raise ValueError(f"{key.decode('utf-8', 'replace')}: aliases must come sorted, each once")
            count += 1
            if count == _RECORDS_PER_COMMIT:
                break
    return count


def publish(path: Path, target: Path) -> None:
    """Give the finished file `path` the name `target`, durably: readers see the old file or this one."""
    path.replace(target)
    sync_directory(target.parent)


class Table:
    """A published file, open for reading. `identity` tells it from the one that replaces it."""

    def __init__(self, path: Path) -> None:
        """Open `path`; raises `SnapshotError` where it is missing, damaged or of another format."""
        self._path = path
        self.identity, self._environment = _acquire(path)
        # the file never changes: one transaction serves for ever
        self._transaction = self._environment.begin()
        try:
            self.meta = self._read_meta()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._transaction.abort()
        _release(self.identity)

    def get(self, key: bytes) -> bytes | None:
        """Return the value under `key`, None where there is none; raises `SnapshotError`."""
        try:
            value: bytes | None = self._transaction.get(key)
        except lmdb.Error as error:
            raise SnapshotError(f"{self._path}: {error}") from error
        return value

    def records(self) -> Iterator[Record]:
        """Yield what the file holds, in the order of the keys; raises `SnapshotError`."""
        try:
            for key, value in self._transaction.cursor():
                if key != META:
                    yield key, value
        except lmdb.Error as error:
            raise SnapshotError(f"{self._path}: {error}") from error

    def _read_meta(self) -> dict[str, Any]:
        try:
            meta = dict(json.loads(self.get(META) or b""))
            if meta["format"] == FORMAT:
                return meta
        except (ValueError, TypeError, KeyError) as error:
            raise SnapshotError(f"{self._path}: not a snapshot: it has no facts about itself") from error
        raise SnapshotError(f"{self._path}: of format {meta['format']}, this release reads {FORMAT}")


def identity_of(path: str) -> Identity:
    """Return what tells the file now at `path` from every other; raises `OSError`."""
    return _identity(os.stat(path))  # noqa: PTH116 - for each lookup, where Path costs as much again


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino, status.st_mtime_ns


# LMDB refuses to open a file twice in one process, so those who read one file share it.
_open: dict[Identity, tuple[Any, int]] = {}
_open_guard = threading.Lock()


def _acquire(path: Path) -> tuple[Identity, Any]:
    try:
        # by its descriptor: the name may mean another file at the next look
        with _open_guard, path.open("rb") as file:
            status = os.fstat(file.fileno())
            identity = _identity(status)
            environment, users = _open.get(identity, (None, 0))
            if environment is None:
                environment = _map(file.fileno(), status.st_size)
            _open[identity] = environment, users + 1
            return identity, environment
    except OSError as error:
        raise SnapshotError(f"{path}: {error.strerror}") from error
    except (lmdb.Error, ValueError) as error:
        raise SnapshotError(f"{path}: not a snapshot: {error}") from error


def _release(identity: Identity) -> None:
    with _open_guard:
        environment, users = _open.pop(identity)
        if users > 1:
            _open[identity] = environment, users - 1
        else:
            environment.close()


def _map(descriptor: int, size: int) -> Any:
    environment = lmdb.open(
        f"/proc/self/fd/{descriptor}", subdir=False, readonly=True, lock=False, readahead=False
    )
    # to read a page behind the end of the file would kill the process (SIGBUS)
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if size < needed:
        environment.close()
        raise ValueError(f"cut short, it needs {needed} bytes and has {size}")
    return environment
