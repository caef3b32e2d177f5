"""The clock that decisions go by: seconds since this boot, sleep included, which nobody sets."""

import time
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def now() -> float:
    """Seconds of CLOCK_BOOTTIME, clock_gettime(2)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """What names this boot, random(4): other boots have another one. Raises `OSError`."""
    return _BOOT_ID.read_text().strip()


def wall(moment: float) -> float:
    """What the wall clock shows, or has shown, at `moment`; for people, never for decisions."""
    return time.time() + moment - now()
