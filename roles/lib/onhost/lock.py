"""The converge lock of this host: who changes it now. Standard input: {"act", "holder", "file", …}.

One file in /run, so that a reboot ends it. Who holds it says so again and again (a heartbeat); the time of
the last one is of CLOCK_BOOTTIME, which nobody sets. Exit status 1 with a sentence: it is not yours. Nor is
it anybody's while generation.py works: a rollback outlives the run that was broken off.
"""

import fcntl
import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read(file: Path) -> dict[str, Any] | None:
    if not file.exists():
        return None
    held: dict[str, Any] = json.loads(file.read_text())
    return held


def write(file: Path, held: dict[str, Any]) -> None:
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(held))
    beside.replace(file)


def works(directory: str) -> bool:
    """Whether generation.py holds its lock, which is on a directory."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.close(descriptor)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def take(file: Path, asked: dict[str, Any]) -> str | None:
    held = read(file)
    if held and held["id"] != asked["holder"]["id"]:
        silent = now() - held["beat"]
        if silent <= asked["expires_seconds"]:
            return f"{held['who']} converges since {held['since']}; it ends with that run"
        if not asked["break"]:
            return (
                f"{held['who']} has converged since {held['since']}, and that run was last heard of "
                f"{silent:.0f} s ago: if it has died, go on with --break-lock"
            )
    if works(asked["generations"]):
        return "a run that was broken off is still at work here: try again in a minute"
    write(file, {**asked["holder"], "beat": now()})
    return None


def beat(file: Path, asked: dict[str, Any]) -> str | None:
    held = read(file)
    if held is None or held["id"] != asked["holder"]["id"]:
        return f"the lock was taken by {held['who']}" if held else "the lock is gone: the host was rebooted"
    write(file, {**held, "beat": now()})
    return None


def release(file: Path, asked: dict[str, Any]) -> None:
    held = read(file)
    if held and held["id"] == asked["holder"]["id"]:
        file.unlink()


def main() -> int:
    asked = json.load(sys.stdin)
    file = Path(asked["file"])
    with file.with_suffix(".guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        refused = {"take": take, "beat": beat, "release": release}[asked["act"]](file, asked)
    if refused:
        print(refused)
    return int(bool(refused))


sys.exit(main())
