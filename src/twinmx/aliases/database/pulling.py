"""One reading of the database into the snapshot: everything, or what has changed.

The snapshot's own code blocks (LMDB, fsync), so it runs in a thread; rows stream into it batch by batch
and a million aliases never stand in memory at once.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from twinmx.aliases.database import reading
from twinmx.aliases.database.marker import Marker
from twinmx.aliases.database.metrics import SourceMetrics
from twinmx.aliases.database.rows import Row, alias_of, fault_of
from twinmx.aliases.database.settings import Settings
from twinmx.aliases.model import Alias, Change
from twinmx.aliases.own import own_aliases, with_own
from twinmx.aliases.snapshot import Snapshot, SnapshotError, SnapshotMeta
from twinmx.aliases.update import apply_changes, build_snapshot

LEAST_SHARE = 0.5
"""A complete reading with fewer aliases than this part of what is known is taken for a fault: a restore
under way, or the wrong database. Rows that are deleted come as changes and are not counted here."""


class SourceError(Exception):
    """What the database holds cannot become the snapshot."""


class Puller:
    """Keeps one snapshot equal to the database."""

    def __init__(self, settings: Settings, metrics: SourceMetrics) -> None:
        self._target = settings.aliases.snapshot
        self._served = frozenset(settings.domains)
        self._patience = settings.timing.statement_seconds
        self._metrics = metrics
        self._log = structlog.get_logger()
        self._rejected: set[str] = set()
        self._own = own_aliases(settings.canaries)
        self._own_missing = True
        known = self._known()
        self.marker = Marker.parse(known.marker) if known else None

    async def pull(self, connection: AsyncConnection, *, complete: bool = False) -> None:
        """Read in one transaction what is new; everything where it has to be, or if `complete`.

        Raises `TimeoutError`, `SourceError`, and what the driver, LMDB or the file system raise; the
        snapshot is then as it was.
        """
        started = time.monotonic()
        # no context manager: after a failure it would wait for a server that perhaps never answers
        transaction = await connection.begin()
        here: Marker = await self._soon(reading.place(connection))
        since = self.marker if self.marker and self.marker.database == here.database else None
        found: reading.Changes | None = None
        if since and not complete:
            found = await self._soon(reading.changes(connection, since))
        if found is None:
            kind, changed = "complete", True
            await self._rebuild(reading.everything(connection), here)
        else:
            kind, changed = "changes", bool(found.rows or found.gone)
            await self._apply(found, here)
        await self._soon(transaction.rollback())
        self.marker = here
        self._metrics.read(kind, time.monotonic() - started, changed=changed)
        if changed:
            count = len(found.rows) + len(found.gone) if found else None
            self._log.info(
                "aliases read", kind=kind, changes=count, seconds=round(time.monotonic() - started, 3)
            )

    async def _soon(self, question: Coroutine[Any, Any, Any]) -> Any:
        """No answer is waited for longer than a statement may take, and a little for the way."""
        async with asyncio.timeout(self._patience + 1):
            return await question

    async def _apply(self, found: reading.Changes, here: Marker) -> None:
        wanted = [Change(alias.address, alias) for row in found.rows if (alias := self._accepted(row))]
        wanted += [Change(address, None) for address in found.gone]
        ours = {alias.address for alias in self._own}
        wanted = [change for change in wanted if change.address not in ours]
        if self._own_missing:  # the snapshot may be older than they are
            wanted += [Change(alias.address, alias) for alias in self._own]
        for address in found.gone:
            self._settle(address)
        if wanted:
            await asyncio.to_thread(apply_changes, self._target, wanted, marker=str(here))
        self._own_missing = False

    async def _rebuild(self, batches: AsyncIterator[list[Row]], here: Marker) -> None:
        self._rejected.clear()
        known = self._known()
        least = int(known.count * LEAST_SHARE) if known else 0
        rows = self._in_thread(batches, asyncio.get_running_loop())
        aliases = with_own(self._checked(rows, least), self._own)
        await asyncio.to_thread(build_snapshot, aliases, self._target, marker=str(here))
        self._own_missing = False

    def _in_thread(self, batches: AsyncIterator[list[Row]], loop: asyncio.AbstractEventLoop) -> Iterator[Row]:
        """The rows of `batches`, for a thread: each batch is fetched by the loop when it is needed."""

        async def following() -> list[Row]:
            batch: list[Row] = await self._soon(anext(batches, []))
            return batch

        while batch := asyncio.run_coroutine_threadsafe(following(), loop).result():
            yield from batch

    def _checked(self, rows: Iterator[Row], least: int) -> Iterator[Alias]:
        """The aliases of `rows`; in place of one with a fault what was known of it, if anything was."""
        count = 0
        with Snapshot(self._target) as before:
            for row in rows:
                alias = self._accepted(row) or _earlier(before, row.address)
                if alias:
                    count += 1
                    yield alias
        if count < least or not count:
            raise SourceError(
                f"the database has {count} aliases and the snapshot twice as many or more: not taken over"
                if least
                else "the database has no aliases"
            )

    def _accepted(self, row: Row) -> Alias | None:
        if fault := fault_of(row, self._served):
            self._log.warning("row left out", address=row.address, fault=fault)
            self._rejected.add(row.address)
            self._metrics.rejected.set(len(self._rejected))
            return None
        self._settle(row.address)
        return alias_of(row)

    def _settle(self, address: str) -> None:
        if self._rejected:
            self._rejected.discard(address)
            self._metrics.rejected.set(len(self._rejected))

    def _known(self) -> SnapshotMeta | None:
        try:
            with Snapshot(self._target) as snapshot:
                return snapshot.meta()
        except SnapshotError:
            return None


def _earlier(before: Snapshot, address: str) -> Alias | None:
    try:
        stored = before.stored(address)
    except SnapshotError:
        return None
    return stored.at_source() if stored else None
