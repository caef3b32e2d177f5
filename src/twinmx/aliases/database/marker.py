"""How far a snapshot has followed a database: which database, and what of it had been seen."""

import re
from dataclasses import dataclass
from typing import Self

_WRITTEN = re.compile(r"postgresql (?P<database>\S+) (?P<seen>\d+:\d+:[\d,]*)")


@dataclass(frozen=True, slots=True)
class Marker:
    """A place in the history of one database.

    database: identity of the cluster, its timeline, the database and the tables' storage; it differs after
    a restore, a promotion, TRUNCATE, or in another server, where transaction ids mean something else.
    seen: PostgreSQL's own description (pg_snapshot) of which transactions had ended.
    """

    database: str
    seen: str

    def __str__(self) -> str:
        return f"postgresql {self.database} {self.seen}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `str` wrote; None for the marker of another kind of source."""
        found = _WRITTEN.fullmatch(text)
        return cls(found["database"], found["seen"]) if found else None
