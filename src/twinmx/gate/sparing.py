"""Log lines about what a stranger can cause at will: so many a second, and how many were left out."""

import time
from collections.abc import Callable


class Sparing:
    """Says whether a line may be written; at most `per_second` may."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._second = 0
        self._written = 0
        self._omitted = 0

    def allows(self) -> int | None:
        """Return how many lines were left out before this one, None where this one is left out too."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written >= self._per_second:
            self._omitted += 1
            return None
        self._written += 1
        omitted, self._omitted = self._omitted, 0
        return omitted
