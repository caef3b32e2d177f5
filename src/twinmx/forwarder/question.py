"""A question to the database for each message, as the mail handler of July 2021 had. Only to replay it.

"Requests to the database are slow and can take up to several minutes", and so did each message. The answer is
not used: where a message goes is read from the snapshot here as always. What is replayed is the wait.
"""

from collections.abc import Sequence

import asyncpg

from twinmx.aliases.database.connection import log_in, verified
from twinmx.forwarder import settings

QUESTION = "SELECT count(*) FROM mailbox_changes"
"""The table with which every reading of the aliases begins."""


class Question:
    """Asks over one connection, which is made when it is first needed, and again after it has failed."""

    def __init__(self, settings: settings.Question, passwords: Sequence[str]) -> None:
        self._settings = settings
        self._passwords = passwords
        self._tls = verified(settings.database)
        self._connection: asyncpg.Connection | None = None

    async def ask(self) -> None:
        """Have it answered; raises what asyncpg does, and OSError, where it is not."""
        if self._connection is None or self._connection.is_closed():
            place = self._settings
            self._connection = await log_in(place.database, place.timing, self._passwords, self._tls)
        await self._connection.execute(QUESTION)

    def close(self) -> None:
        """Let go without a word: a server that is frozen answers no farewell."""
        if self._connection is not None:
            self._connection.terminate()
