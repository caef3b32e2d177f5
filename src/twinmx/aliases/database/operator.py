"""What an operator on an exchanger may change in the database: whether an alias is enabled."""

from collections.abc import Sequence

from sqlalchemy import update

from twinmx.aliases.database.connection import connect_to
from twinmx.aliases.database.settings import Settings
from twinmx.aliases.database.tables import aliases


async def set_enabled(settings: Settings, passwords: Sequence[str], address: str, *, enabled: bool) -> bool:
    """Set `enabled` of the alias (in folded case) for all exchangers; False where there is no such row.

    Raises `TimeoutError`, `OSError`, `sqlalchemy.exc.SQLAlchemyError`, or the driver's error.
    """
    engine = connect_to(settings.database, settings.timing, passwords)
    wanted = update(aliases).where(aliases.c.address == address).values(enabled=enabled)
    async with engine.begin() as connection:
        return bool((await connection.execute(wanted)).rowcount)
