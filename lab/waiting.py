"""Wait for a condition, with a deadline; nothing in the lab sleeps for a guessed time."""

import time
from collections.abc import Callable
from typing import TypeVar

from lab.errors import LabError

Seen = TypeVar("Seen")

PAUSE = 0.1  # seconds between two looks


def until(look: Callable[[], Seen | None], seconds: float, what: str, way_out: str = "") -> Seen:
    """Call `look` until it gives something other than None or False, and return that.

    Raises LabError naming `what` when `seconds` have passed.
    """
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() >= deadline:
            raise LabError(f"{what}: not seen within {seconds:g} s", way_out)
        time.sleep(PAUSE)
