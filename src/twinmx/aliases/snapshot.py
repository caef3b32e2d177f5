"""The local snapshot: the two files in which Postfix and the forwarder look an alias up.

No database stands in the mail path (the lesson of July 2021: a slow one held every message for
minutes), and both programs read the *same* records, so they cannot disagree about who exists.

The base holds every alias and is replaced rarely. The delta beside it holds what changed since, and what
an operator of this host said; it is small, and replaced for each batch of changes. Who looks an alias up
asks the delta first, then the base: ADR 0012. `update` writes both.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from twinmx.aliases.model import Alias
from twinmx.aliases.record import Stored, decode, key_of
from twinmx.aliases.table import SnapshotError, Table, identity_of

__all__ = ["Snapshot", "SnapshotError", "SnapshotMeta", "delta_of"]

# A worker that has looked all of a million aliases up has all 90 MB of them mapped. After so many lookups
# it lets go of what it touched, which stays in the page cache for all: 22 MB instead, for 10 us a lookup.
_LOOKUPS_PER_MAPPING = 200


@dataclass(frozen=True, slots=True)
class SnapshotMeta:
    """Facts about a snapshot.

    `built_at`: when the source was last read completely; `changed_at`: when the files were last written
    (Unix seconds both). `count`: aliases at the source. `marker`: how far the source was read, in the
    words of who reads it.
    """

    built_at: float
    changed_at: float
    count: int
    marker: str = ""

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Self:
        """Read what `facts` wrote; raises `ValueError`."""
        try:
            return cls(*(kind(facts[name]) for name, kind in _FACTS.items()))
        except (KeyError, TypeError) as error:
            raise ValueError(f"its facts are damaged: {error!r}") from error

    def facts(self) -> dict[str, Any]:
        """Return what `of` reads."""
        return asdict(self)


_FACTS: dict[str, Any] = {"built_at": float, "changed_at": float, "count": int, "marker": str}


def delta_of(base: Path) -> Path:
    """Return the path of the delta that belongs to the snapshot `base`."""
    return base.with_name(f"{base.stem}-changes{base.suffix}")


class Snapshot:
    """A reader that follows the files: a lookup costs two stat(2) and sees every change at once.

    For one thread; a process may have several.
    """

    def __init__(self, path: Path) -> None:
        self._paths = (delta_of(path), path)
        self._names = tuple(str(path) for path in self._paths)
        self._tables: list[Table] = []
        self._lookups = 0

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
        """Let go of the files; the next lookup opens them again."""
        while self._tables:
            self._tables.pop().close()
        self._lookups = 0

    def lookup(self, address: str) -> Alias | None:
        """Return the alias with this address in any case, or None where there is none.

        Raises `SnapshotError` where a file is missing or unreadable.
        """
        stored = self.stored(address)
        return None if stored is None else stored.alias

    def stored(self, address: str) -> Stored | None:
        """Return the alias and what its source says of it; as `lookup` otherwise."""
        key = key_of(address)
        if key is None:
            return None
        self._follow()
        delta, base = self._tables
        value = delta.get(key)
        if value is None:
            value = base.get(key)
            if value is None:
                return None
        try:
            return decode(key.decode(), value)
        except ValueError as error:
            raise SnapshotError(f"{self._names[1]}: the record of {key!r} is damaged") from error

    def meta(self) -> SnapshotMeta:
        """Return the facts about the files in use; raises `SnapshotError` as `lookup` does."""
        self._follow()
        try:
            return SnapshotMeta.of(self._tables[0].meta)
        except ValueError as error:
            raise SnapshotError(f"{self._names[0]}: {error}") from error

    def fault(self) -> str | None:
        """Return why no alias can be looked up now, for who asks after a program's health."""
        try:
            self.meta()
        except SnapshotError as error:
            return str(error)
        return None

    def _follow(self) -> None:
        # The delta first: it is published after the base that it may rely on, so a base looked at after
        # it is never too old for it.
        self._lookups += 1
        if self._lookups > _LOOKUPS_PER_MAPPING:
            self.close()
        try:
            changed = [identity_of(name) for name in self._names] != [t.identity for t in self._tables]
        except OSError as error:
            self.close()
            raise SnapshotError(f"{error.filename}: {error.strerror}") from error
        if changed:
            self.close()
            try:
                for path in self._paths:
                    self._tables.append(Table(path))
            except SnapshotError:
                self.close()
                raise
