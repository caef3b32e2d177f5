"""Telling the other exchangers what is delivered, before Postfix goes on to them with the rest."""

import asyncio
from collections.abc import Iterator, Sequence

import structlog

from twinmx.forwarder.delivered import VERB
from twinmx.smtp.client import Connection, TransactionError

_A_LINE = 50
"""Fingerprints in a command; it may have 16384 bytes (`smtp.session.MAX_COMMAND`)."""


class Peers:
    """The forwarders of the other exchangers, at `addresses` and all on `port`."""

    def __init__(self, addresses: Sequence[str], port: int, helo: str, seconds: float) -> None:
        self._addresses = tuple(addresses)
        self._port = port
        self._helo = helo
        self._seconds = seconds
        self._log = structlog.get_logger()

    async def tell(self, fingerprints: Sequence[str]) -> None:
        """Tell all of them, within the seconds; one that does not answer is logged and may send twice."""
        await asyncio.gather(*(self._tell(address, fingerprints) for address in self._addresses))

    async def _tell(self, address: str, fingerprints: Sequence[str]) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                connection = await Connection.open(address, self._port, self._helo)
                try:
                    for line in _lines(fingerprints):
                        reply = await connection.say(line)
                        if not reply.accepted:
                            raise TransactionError(f"{VERB} answered {reply}")
                finally:
                    connection.leave()
        except (OSError, TransactionError, TimeoutError) as error:
            self._log.warning(
                "peer not told what is delivered", peer=address, detail=str(error) or "no answer in time"
            )


def _lines(fingerprints: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(fingerprints), _A_LINE):
        yield " ".join((VERB, *fingerprints[start : start + _A_LINE]))
