"""The local snapshot: the one file in which Postfix and the forwarder look an alias up.

No database stands in the mail path (the lesson of July 2021: a slow one held every message for
minutes), and both programs read the *same* file, so they cannot disagree about who exists.

It is an LMDB file with three tables. The unnamed one is Postfix's (`lmdb:` table, address to
access(5) action; existing at all makes a relay recipient). The named ones are the forwarder's and a
few facts about the build. LMDB keeps the name of a table as a key of the unnamed one; here each name
begins with a line feed, which no SMTP command can carry, so no lookup of Postfix can hit it.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import lmdb

from twinmx.addresses import MAX_ADDRESS, fold
from twinmx.aliases.hostformat import dump_aliases
from twinmx.aliases.model import Alias
from twinmx.durable import sync_directory

_ALIASES = b"\naliases"
_META = b"\nmeta"
_ACCEPT = b"DUNNO"
_PAGE = 4096
_SPARE_BYTES = 16 << 20
_FACTOR = 8


class SnapshotError(Exception):
    """The snapshot is missing or cannot be read: an answer is not known, which is never "no"."""


@dataclass(frozen=True, slots=True)
class SnapshotMeta:
    """Facts about a snapshot: when it was built (Unix seconds), from what, how many aliases."""

    built_at: float
    count: int
    source_digest: str


def build_snapshot(aliases: Sequence[Alias], target: Path) -> SnapshotMeta:
    """Write the snapshot of `aliases` beside `target`, then move it there; readers see old or new.

    The file is on disk before it gets its name. Postfix wants the name to end in `.lmdb`.
    Raises `ValueError` for another name, `OSError` or `lmdb.Error` where writing fails.
    """
    if target.suffix != ".lmdb":
        raise ValueError(f"snapshot {target}: the name must end in .lmdb")
    source = dump_aliases(aliases)
    meta = SnapshotMeta(time.time(), len(aliases), hashlib.sha256(source).hexdigest())
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}.", suffix=".lmdb", dir=target.parent)
    candidate = Path(name)
    try:
        _fill(candidate, aliases, meta, map_size=_FACTOR * len(source) + _SPARE_BYTES)
        os.fchmod(handle, 0o644)
        os.fsync(handle)
        candidate.replace(target)
    except BaseException:
        candidate.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    sync_directory(target.parent)
    return meta


def _fill(path: Path, aliases: Sequence[Alias], meta: SnapshotMeta, *, map_size: int) -> None:
    rounded = -(-map_size // _PAGE) * _PAGE
    environment = lmdb.open(str(path), subdir=False, lock=False, max_dbs=2, map_size=rounded)
    with environment:
        forwarder, facts = environment.open_db(_ALIASES), environment.open_db(_META)
        with environment.begin(write=True) as transaction:
            for alias in sorted(aliases, key=lambda alias: alias.address):
                key = alias.address.encode()
                transaction.put(key, _action(alias))
                transaction.put(key, _record(alias), db=forwarder)
            transaction.put(b"built_at", repr(meta.built_at).encode(), db=facts)
            transaction.put(b"count", str(meta.count).encode(), db=facts)
            transaction.put(b"source_digest", meta.source_digest.encode(), db=facts)


def _action(alias: Alias) -> bytes:
    if alias.enabled:
        return _ACCEPT
    return f"550 5.1.1 <{alias.address}>: this alias is disabled".encode()


def _record(alias: Alias) -> bytes:
    fields = {
        "mailboxes": alias.mailboxes,
        "account": alias.account,
        "enabled": alias.enabled,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


class Snapshot:
    """A reader that follows the file: each lookup costs one stat(2) and sees a replacement at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._environment: Any = None
        self._tables: tuple[Any, Any] = (None, None)
        self._identity: tuple[int, int, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; the next lookup opens it again."""
        if self._environment is not None:
            self._environment.close()
        self._environment, self._identity = None, None

    def lookup(self, address: str) -> Alias | None:
        """Return the alias with this address in any case, or None where there is none.

        Raises `SnapshotError` where the file is missing or unreadable.
        """
        folded = fold(address)
        key = folded.encode("utf-8", "surrogateescape")
        if not key or len(key) > MAX_ADDRESS:
            return None
        value = self._get(key, table=0)
        if value is None:
            return None
        try:
            fields = json.loads(value)
            return Alias(folded, tuple(fields["mailboxes"]), fields["account"], bool(fields["enabled"]))
        except (ValueError, KeyError, TypeError) as error:
            raise SnapshotError(f"{self._path}: the record of {folded} is damaged") from error

    def meta(self) -> SnapshotMeta:
        """Return the facts about the file in use; raises `SnapshotError` as `lookup` does."""
        try:
            built_at, count, digest = (
                bytes(self._get(name, table=1) or b"") for name in (b"built_at", b"count", b"source_digest")
            )
            return SnapshotMeta(float(built_at), int(count), digest.decode())
        except ValueError as error:
            raise SnapshotError(f"{self._path}: its meta table is damaged") from error

    def _get(self, key: bytes, *, table: int) -> bytes | None:
        self._follow()
        try:
            with self._environment.begin(db=self._tables[table]) as transaction:
                value: bytes | None = transaction.get(key)
                return value
        except lmdb.Error as error:
            self.close()
            raise SnapshotError(f"{self._path}: {error}") from error

    def _follow(self) -> None:
        try:
            status = self._path.stat()
        except OSError as error:
            self.close()
            raise SnapshotError(f"{self._path}: {error.strerror}") from error
        identity = (status.st_dev, status.st_ino, status.st_mtime_ns)
        if identity == self._identity:
            return
        self.close()
        try:
            environment = lmdb.open(
                str(self._path), subdir=False, readonly=True, lock=False, max_dbs=2, readahead=False
            )
            self._tables = (
                environment.open_db(_ALIASES, create=False),
                environment.open_db(_META, create=False),
            )
        except lmdb.Error as error:
            raise SnapshotError(f"{self._path}: not a snapshot: {error}") from error
        self._environment, self._identity = environment, identity
