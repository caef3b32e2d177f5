"""Writing the snapshot: built anew from its source, changed, or overridden by the operator of this host.

The base is what the source said; the delta is what changed since, and the operator's overrides. Each is
written beside the old one and renamed, and no two renames can be one. So a base is published *before* the
delta that goes with it, and readers look at the delta first: between the two renames, and after a crash
there, each alias has its old answer or its new one. ADR 0012 has the cases.

Writers take turns by a lock on the directory. Readers take none.
"""

import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from heapq import merge
from pathlib import Path

from twinmx.addresses import fold
from twinmx.aliases.model import Alias, Change
from twinmx.aliases.overrides import Override, overrides_of, read_overrides, write_overrides
from twinmx.aliases.record import GONE, Stored, decode, encode, is_overridden, key_of
from twinmx.aliases.snapshot import SnapshotMeta, delta_of
from twinmx.aliases.table import SnapshotError, Table, candidate, fill, publish

# a delta is written as a whole for each batch of changes: 10 ms for so many
_FOLD_AT = 5_000


class NoSuchAlias(Exception):  # noqa: N818 - an answer, not a fault
    """There is no alias to override."""


def build_snapshot(aliases: Iterable[Alias], target: Path, *, marker: str = "") -> SnapshotMeta:
    """Replace the snapshot `target` by one of `aliases`, which come sorted by address, each once.

    They may be a stream: memory does not grow with them, and others may change the old snapshot meanwhile.
    Overrides stay in force. Raises `ValueError` for another order, an alias that no record can hold, damaged
    overrides or a name that does not end in `.lmdb` (which Postfix wants); `OSError` or `lmdb.Error` where
    writing fails, and what `aliases` raises. The old snapshot is then as it was.
    """
    if target.suffix != ".lmdb":
        raise ValueError(f"snapshot {target}: the name must end in .lmdb")
    with candidate(target) as path:
        records = ((_key(alias.address), encode(Stored(alias, alias.enabled))) for alias in aliases)
        count = fill(path, records)
        with _writing(target):
            now = time.time()
            meta = SnapshotMeta(built_at=now, changed_at=now, count=count, marker=marker)
            _replace_base(path, target, meta)
    return meta


def apply_changes(target: Path, changes: Sequence[Change], *, marker: str) -> SnapshotMeta:
    """Apply to the snapshot `target` what changed at its source, and note `marker`.

    Readers see all of it at once; also an empty list notes the marker. Raises `SnapshotError` where there is
    no sound snapshot (build one), `ValueError` for an alias that no record can hold and for damaged
    overrides, `OSError` or `lmdb.Error` where writing fails.
    """
    with _writing(target), _Draft.of(target) as draft:
        for change in changes:
            draft.change(change)
        draft.publish(marker)
        return _fold(draft) if draft.changed_aliases > _FOLD_AT else draft.meta


def override_alias(target: Path, address: str, *, enabled: bool | None, reason: str = "") -> Override | None:
    """Make the alias enabled or not on this host, whatever its source says, until told otherwise.

    An override is kept only where the source says something else: where it agrees, or with `enabled` None,
    the alias follows the source again and None is returned. So does one that has gone from its source.
    Raises `NoSuchAlias`, and what `apply_changes` raises.
    """
    with _writing(target), _Draft.of(target) as draft:
        override = draft.override(fold(address), enabled=enabled, reason=reason)
        write_overrides(overrides_of(target), draft.overrides)
        draft.publish(draft.meta.marker)
    return override


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    handle = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _key(address: str) -> bytes:
    key = key_of(address)
    if key is None or key.decode() != address:
        raise ValueError(f"alias {address!r}: not an address in folded case")
    return key


def _overridden(source: Alias, overrides: Mapping[str, Override]) -> Stored:
    override = overrides.get(source.address)
    if override is None:
        return Stored(source, source.enabled)
    return Stored(replace(source, enabled=override.enabled), source.enabled)


class _Draft:
    """The next delta of a snapshot, in memory, while its writer holds the lock."""

    def __init__(
        self,
        target: Path,
        base: Table,
        meta: SnapshotMeta,
        records: dict[bytes, bytes],
        overrides: dict[str, Override],
    ) -> None:
        self.target = target
        self.base = base
        self.meta = meta
        self.records = records
        self.overrides = overrides
        self._count = meta.count

    @classmethod
    @contextmanager
    def of(cls, target: Path) -> Iterator["_Draft"]:
        """Start from the snapshot as it is; raises `SnapshotError`, `OverridesError`, `OSError`."""
        meta, records = _read_delta(target)
        base = Table(target)
        try:
            draft = cls(target, base, meta, records, read_overrides(overrides_of(target)))
            draft.follow_overrides()
            yield draft
        finally:
            base.close()

    @property
    def changed_aliases(self) -> int:
        """How many records the delta has for other reasons than an override."""
        return len(self.records) - len(self.overrides)

    def follow_overrides(self) -> None:
        """Bring all records in line with the overrides: a writer may have died between the two files."""
        overridden = {key.decode() for key, value in self.records.items() if is_overridden(value)}
        for address in overridden | self.overrides.keys():
            self._put(address, self.source(address))

    def source(self, address: str) -> Alias | None:
        """Return the alias as its source has it; raises `SnapshotError`."""
        key = _key(address)
        value = self.records.get(key) or self.base.get(key)
        try:
            stored = None if value is None else decode(address, value)
        except ValueError as error:
            raise SnapshotError(f"{self.target}: the record of {address} is damaged") from error
        return None if stored is None else stored.at_source()

    def change(self, change: Change) -> None:
        """Take over what the source says of one address; raises `ValueError`, `SnapshotError`."""
        self._count += (change.alias is not None) - (self.source(change.address) is not None)
        self._put(change.address, change.alias)

    def override(self, address: str, *, enabled: bool | None, reason: str) -> Override | None:
        """Enter or remove the override of `address`; raises `NoSuchAlias`, `SnapshotError`."""
        if key_of(address) is None:
            raise NoSuchAlias(address)
        source = self.source(address)
        if source is None and self.overrides.pop(address, None) is None:
            raise NoSuchAlias(address)
        if source is None or enabled is None or source.enabled is enabled:
            self.overrides.pop(address, None)
        else:
            self.overrides[address] = Override(enabled, time.time(), reason)
        self._put(address, source)
        return self.overrides.get(address)

    def _put(self, address: str, source: Alias | None) -> None:
        key = _key(address)
        value = GONE if source is None else encode(_overridden(source, self.overrides))
        if value == (self.base.get(key) or GONE):
            self.records.pop(key, None)
        else:
            self.records[key] = value

    def publish(self, marker: str) -> None:
        """Make the draft the delta that readers see."""
        self.meta = replace(self.meta, changed_at=time.time(), count=self._count, marker=marker)
        _publish_delta(self.target, self.records, self.meta)


def _read_delta(target: Path) -> tuple[SnapshotMeta, dict[bytes, bytes]]:
    delta = Table(delta_of(target))
    try:
        return SnapshotMeta.of(delta.meta), dict(delta.records())
    except ValueError as error:
        raise SnapshotError(f"{delta_of(target)}: {error}") from error
    finally:
        delta.close()


def _publish_delta(target: Path, records: Mapping[bytes, bytes], meta: SnapshotMeta) -> None:
    delta = delta_of(target)
    with candidate(delta) as path:
        fill(path, sorted(records.items()), meta.facts())
        publish(path, delta)


def _replace_base(path: Path, target: Path, meta: SnapshotMeta) -> None:
    """Publish the base `path`, which says what the source says, and then the delta that goes with it."""
    overrides = read_overrides(overrides_of(target))
    records = {}
    base = Table(path)
    try:
        for key in map(_key, overrides):
            value = base.get(key)
            source = None if value is None else decode(key.decode(), value)
            if source is not None:
                records[key] = encode(_overridden(source.alias, overrides))
    finally:
        base.close()
    publish(path, target)
    _publish_delta(target, records, meta)


def _fold(draft: _Draft) -> SnapshotMeta:
    """Make one base of base and delta, which the delta agrees with already: then a small delta."""
    with candidate(draft.target) as path:
        changes = {key: _as_at_source(key, value) for key, value in draft.records.items()}
        present = sorted(record for record in changes.items() if record[1] != GONE)
        unchanged = (record for record in draft.base.records() if record[0] not in changes)
        meta = replace(draft.meta, count=fill(path, merge(present, unchanged)))
        _replace_base(path, draft.target, meta)
    return meta


def _as_at_source(key: bytes, value: bytes) -> bytes:
    stored = decode(key.decode(), value)
    return GONE if stored is None else encode(Stored(stored.at_source(), stored.enabled_at_source))
