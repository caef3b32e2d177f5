"""Programs of the host are asked here, and the package manager for who has put a file there."""

import os
import subprocess
from collections.abc import Iterable
from functools import cache

LONGEST_SECONDS = 60


class CannotTellError(Exception):
    """Something could not be looked at; the message says what and why."""


def run(*command: str, may_fail: bool = False) -> str:
    """Standard output; CannotTellError where the program is missing, fails or takes too long.

    may_fail: its exit status says something else than whether it worked.
    """
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=LONGEST_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotTellError(f"{command[0]}: {error}") from error
    if done.returncode and not may_fail:
        last = done.stderr.strip().rpartition("\n")[2]
        raise CannotTellError(f"{' '.join(command[:3])}: exit status {done.returncode}: {last}")
    return done.stdout


def _twins(path: str) -> tuple[str, ...]:
    """A path and the other one that a package may list it under: /usr is merged."""
    merged = path.removeprefix("/usr")
    return (path, merged) if merged != path else (path, f"/usr{path}")


def owned(paths: Iterable[str]) -> set[str]:
    """Those of `paths` that belong to a Debian package (dpkg-query(1), -S)."""
    asked = list(dict.fromkeys(paths))
    if not asked:
        return set()
    listed = run("dpkg-query", "-S", *(twin for path in asked for twin in _twins(path)), may_fail=True)
    known = {line.partition(": ")[2] for line in listed.splitlines() if not line.startswith("diversion ")}
    return {path for path in asked if known.intersection(_twins(path))}


@cache
def conffiles() -> dict[str, str]:
    """Path → MD5 of what the package brought, of all configuration files of packages."""
    listed = run("dpkg-query", "-W", "-f", "${Conffiles}\n")
    rows = (line.split() for line in listed.splitlines() if line.startswith(" /"))
    return {row[0]: row[1] for row in rows}
