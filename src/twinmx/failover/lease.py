"""The file that tells this host's programs that it is drained, and until when.

A forwarder's worker answers 421 to the local Postfix while it says so, and Postfix goes on to the peer. It
ends by itself, by a clock that nobody sets (CLOCK_BOOTTIME); it lies in /run, which no boot survives.
"""

import json
from contextlib import suppress
from pathlib import Path

from twinmx.failover import clock

FILE = "drain.json"


def write(directory: Path, until: float) -> None:
    """Have the host drained until `until` (CLOCK_BOOTTIME); raises `OSError`."""
    candidate = directory / f".{FILE}.new"
    content = {"boottime": round(until, 3), "until": round(clock.wall(until), 3)}
    candidate.write_text(f"{json.dumps(content)}\n")
    candidate.replace(directory / FILE)


def remove(directory: Path) -> None:
    """Have the host not drained; raises `OSError`."""
    (directory / FILE).unlink(missing_ok=True)


def in_force(directory: Path) -> bool:
    """Whether the host is drained now. A file that cannot be read says no: a host without orders works."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return bool(clock.now() < json.loads((directory / FILE).read_bytes())["boottime"])
    return False
