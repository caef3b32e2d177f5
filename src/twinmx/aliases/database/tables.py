"""The tables as SQLAlchemy sees them; what makes and changes them is in `migrations`.

`changed` is the transaction that last wrote a row (xid8, set by a trigger). Neither a sequence nor a
clock would do as a marker of change: both are taken when a statement runs, and a transaction that began
earlier may commit later, behind a reader that has already passed its number.
"""

from typing import Any

from sqlalchemy import Boolean, Column, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import UserDefinedType

CHANNEL = "aliases"
"""NOTIFY comes here after each statement that wrote a table, when its transaction has committed."""


class Xid8(UserDefinedType[int]):
    """A transaction id that never wraps around (PostgreSQL 13 and later)."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The name of the type in SQL."""
        return "xid8"


metadata = MetaData()
aliases = Table(
    "aliases",
    metadata,
    Column("address", Text, primary_key=True),
    Column("account", Text),
    Column("enabled", Boolean, nullable=False),
    Column("mailboxes", ARRAY(Text), nullable=False),
    Column("changed", Xid8, nullable=False),
)
deleted = Table(
    "deleted_aliases",
    metadata,
    Column("address", Text, primary_key=True),
    Column("changed", Xid8, nullable=False),
)
disabled_mailboxes = Table(
    "disabled_mailboxes",
    metadata,
    Column("address", Text, primary_key=True),
)
mailbox_changes = Table(
    "mailbox_changes",
    metadata,
    Column("address", Text, primary_key=True),
    Column("changed", Xid8, nullable=False),
)
