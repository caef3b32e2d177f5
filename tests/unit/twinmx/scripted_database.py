"""A database that a test has written the answers of, and rows for it."""

from collections.abc import AsyncIterator
from typing import Any

from twinmx.aliases.database.marker import Marker
from twinmx.aliases.database.reading import Changes
from twinmx.aliases.database.rows import Row

SERVED = frozenset({"alias.example"})
HERE = Marker("1/1/2/3", "10:12:11")
LATER = Marker("1/1/2/3", "12:12:")


def row(address: str, *mailboxes: object, enabled: bool = True) -> Row:
    return Row(f"{address}@alias.example", None, enabled, mailboxes or (f"{address}@mailbox.example",))


class Transaction:
    async def rollback(self) -> None:
        pass


class Connection:
    async def begin(self) -> Transaction:
        return Transaction()


CONNECTION: Any = Connection()


class Script:
    """What the database says: where it stands, all rows, what changed."""

    def __init__(self) -> None:
        self.place = HERE
        self.rows: list[Row] = [row("a"), row("b")]
        self.changes: Changes | None = Changes([], [])
        self.asked: list[str] = []
        self.fails_after: int | None = None

    async def tell_place(self, _: object) -> Marker:
        return self.place

    async def tell_everything(self, _: object) -> AsyncIterator[list[Row]]:
        self.asked.append("everything")
        for number, one in enumerate(self.rows):
            if number == self.fails_after:
                raise ConnectionResetError
            yield [one]

    async def tell_changes(self, _: object, since: Marker) -> Changes | None:
        self.asked.append(f"since {since.seen}")
        return self.changes
