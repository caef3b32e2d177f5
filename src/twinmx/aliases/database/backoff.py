"""How long to leave a database alone that does not answer."""

import random
from collections.abc import Callable

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0


class Backoff:
    """Each pause is up to twice as long as the one before; jitter keeps the exchangers from coming together.

    draw: a number from 0 to 1, drawn for each pause.
    """

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        self._ceiling = FIRST_SECONDS

    def pause(self) -> float:
        """Seconds until the next attempt: between half the present ceiling and all of it."""
        seconds = self._ceiling * (1 + self._draw()) / 2
        self._ceiling = min(2 * self._ceiling, LONGEST_SECONDS)
        return seconds

    def reset(self) -> None:
        """The database answered: begin with short pauses again."""
        self._ceiling = FIRST_SECONDS
