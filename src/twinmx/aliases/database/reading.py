"""What is asked of the database: where it stands, all aliases as a stream, or what has changed.

A reader works in one REPEATABLE READ transaction, so everything it sees is one moment, and notes that
moment as PostgreSQL's own snapshot (`pg_current_snapshot`). The next reader takes the rows whose
transaction was *not* visible then: one that began earlier and committed later is not missed, as it would
be behind a sequence or a clock, and none is read twice however long another transaction stays open.

Where a mailbox was switched, the aliases that lead to it are read again. They are looked for in the moment
that is read, so it does not matter which of alias and mailbox was written first, or committed first.
"""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from sqlalchemy import Select, Text, any_, cast, exists, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from twinmx.aliases.database.marker import Marker
from twinmx.aliases.database.rows import Row
from twinmx.aliases.database.tables import aliases, deleted, disabled_mailboxes, mailbox_changes

BATCH = 5000
MOST_CHANGES = 50_000
"""Above this a complete pull costs less than a list of changes, and far less memory."""

MOST_SWITCHED = 500
"""Above this all is read again: each of them is a question of its own."""

# spelled as in the index on it
_FOLDED = func.aliases_folded(aliases.c.mailboxes, type_=ARRAY(Text))

_PLACE = text(
    "SELECT concat_ws('/', s.system_identifier, c.timeline_id, d.oid, pg_relation_filenode('aliases'),"
    " pg_relation_filenode('disabled_mailboxes')),"
    " pg_current_snapshot()::text"
    " FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d"
    " WHERE d.datname = current_database()"
)

# The first line lets the index be used. The last one leaves out what a restore has carried over from
# another cluster: its transaction ids lie in this one's future and mean nothing here.
_UNSEEN = """{table}.changed >= pg_snapshot_xmin(CAST(CAST(:seen AS text) AS pg_snapshot))
AND NOT pg_visible_in_snapshot({table}.changed, CAST(CAST(:seen AS text) AS pg_snapshot))
AND {table}.changed < pg_snapshot_xmax(pg_current_snapshot())"""


class Changes(NamedTuple):
    """What was written since a marker, or leads to a switched mailbox, and the addresses that are gone."""

    rows: list[Row]
    gone: list[str]


async def place(connection: AsyncConnection) -> Marker:
    """Where a reader stands that has just begun its transaction."""
    database, seen = (await connection.execute(_PLACE)).one()
    return Marker(str(database), str(seen))


async def everything(connection: AsyncConnection) -> AsyncIterator[list[Row]]:
    """All rows by address, in batches, from a cursor of the server."""
    statement = _rows().order_by(aliases.c.address)
    result = await connection.stream(statement, execution_options={"yield_per": BATCH})
    async for partition in result.partitions():
        yield [Row(*row) for row in partition]


async def changes(connection: AsyncConnection, since: Marker) -> Changes | None:
    """What was not seen at `since`; None where it is more than `MOST_CHANGES` or `MOST_SWITCHED`."""
    seen = {"seen": since.seen}
    switched = select(mailbox_changes.c.address).where(text(_UNSEEN.format(table="mailbox_changes")))
    mailboxes = list(await connection.scalars(switched.limit(MOST_SWITCHED + 1), seen))
    if len(mailboxes) > MOST_SWITCHED:
        return None
    written = _rows().where(text(_UNSEEN.format(table="aliases"))).limit(MOST_CHANGES + 1)
    found = {row.address: Row(*row) for row in await connection.execute(written, seen)}
    for mailbox in mailboxes:  # one by one: for a list of them PostgreSQL walks through all aliases
        leading = _FOLDED.op("@>")(cast([mailbox], ARRAY(Text)))
        concerned = _rows().where(leading).limit(MOST_CHANGES + 1)
        found |= {row.address: Row(*row) for row in await connection.execute(concerned)}
        if len(found) > MOST_CHANGES:
            return None
    again = exists().where(aliases.c.address == deleted.c.address)
    buried = select(deleted.c.address).where(text(_UNSEEN.format(table="deleted_aliases")), ~again)
    gone = list(await connection.scalars(buried.limit(MOST_CHANGES + 1), seen))
    return Changes(list(found.values()), gone) if len(found) + len(gone) <= MOST_CHANGES else None


def _rows() -> Select[Any]:
    columns = aliases.c
    off = select(disabled_mailboxes.c.address).where(disabled_mailboxes.c.address == any_(_FOLDED))
    disabled = func.array(off.correlate(aliases).scalar_subquery())
    return select(columns.address, columns.account, columns.enabled, columns.mailboxes, disabled)
