"""Looking at what has been started a moment ago, until it answers."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

PAUSE_SECONDS = 0.5


def settled(look: Callable[[], Seen], is_well: Callable[[Seen], bool], seconds: float) -> Seen:
    """What `look` sees as soon as that is well, or after `seconds` whatever it is then."""
    deadline = time.monotonic() + seconds
    while not is_well(seen := look()) and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
    return seen
