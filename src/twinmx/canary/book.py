"""Which messages are under way, and what became of the last ones, exchanger by exchanger.

All in memory: what a former process has sent is not known here any more, and its arrival counts as nothing.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from twinmx.canary.metrics import CanaryMetrics
from twinmx.canary.token import Token

KEPT = 20
"""Delays that are kept of each exchanger."""


@dataclass(slots=True)
class _Flight:
    """A message under way: when it began, and what its exchanger said when it took it."""

    began: float
    said: str = ""


class Book:
    """The hams of this process; made inside its event loop. Times are of the loop's clock, in seconds."""

    def __init__(self, vias: Iterable[str], lost_after_seconds: float, metrics: CanaryMetrics) -> None:
        self._lost_after = lost_after_seconds
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._flights: dict[str, dict[str, _Flight]] = {via: {} for via in vias}
        self._delays: dict[str, deque[float | None]] = {via: deque(maxlen=KEPT) for via in self._flights}
        for via in self._flights:
            metrics.waiting(via, lambda via=via: self._waiting(via))  # type: ignore[misc]

    def begin(self, token: Token) -> None:
        """Start the clock of a message, which may be back before its exchanger has said that it took it."""
        self._flights[token.via][token.nonce] = _Flight(self._loop.time())
        self._loop.call_later(self._lost_after, self._lose, token)

    def take(self, token: Token, said: str) -> None:
        """Note that the message was handed over, and what the exchanger `said`: its queue id, as a rule."""
        self._metrics.sent(token.via)
        if flight := self._flights[token.via].get(token.nonce):
            flight.said = said

    def refuse(self, token: Token) -> bool:
        """Note that the message was not handed over; False where it is back all the same.

        The exchanger may have taken it and not have said so in time.
        """
        if self._end(token) is None:
            return False
        self._delays[token.via].append(None)
        self._metrics.refused(token.via)
        return True

    def arrive(self, token: Token) -> bool:
        """Stop the clock; False where it does not run (any more): late, twice, or of a former process."""
        flight = self._end(token)
        if flight is None:
            return False
        seconds = self._loop.time() - flight.began
        self._delays[token.via].append(seconds)
        self._metrics.arrived(token.via, seconds)
        return True

    def state(self) -> dict[str, Any]:
        """What GET /state answers: the last delays in seconds, null for what did not arrive, and the wait."""
        return {
            "via": {
                via: {
                    "delays": [None if delay is None else round(delay, 3) for delay in delays],
                    "waiting": round(self._waiting(via), 3),
                }
                for via, delays in self._delays.items()
            }
        }

    def _lose(self, token: Token) -> None:
        if flight := self._end(token):
            self._delays[token.via].append(None)
            self._metrics.lost(token.via)
            structlog.get_logger().warning("lost", via=token.via, id=token.nonce, said=flight.said)

    def _end(self, token: Token) -> _Flight | None:
        return self._flights.get(token.via, {}).pop(token.nonce, None)

    def _waiting(self, via: str) -> float:
        return max((self._loop.time() - flight.began for flight in self._flights[via].values()), default=0.0)
