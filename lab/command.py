"""Run a program with a fixed argument list; a failure carries the program's own words."""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError

SHOWN_LINES = 25


def attempt(
    arguments: Sequence[str],
    *,
    given: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    seconds: float | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run `arguments` and return what happened, whatever it was.

    given: standard input. seconds: the longest run; raises LabError past it or when there is no such program.
    """
    try:
        return subprocess.run(
            arguments,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            env=environment,
            cwd=directory,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{arguments[0]} is not installed on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{shlex.join(arguments)}: no end after {seconds:g} s") from error


def run(
    arguments: Sequence[str],
    *,
    given: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    seconds: float | None = None,
    way_out: str = "",
) -> str:
    """Run `arguments` and return its standard output; raises LabError when it fails."""
    done = attempt(arguments, given=given, environment=environment, directory=directory, seconds=seconds)
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()
        shown = "\n".join(said[-SHOWN_LINES:])
        raise LabError(f"{shlex.join(arguments)} ended with {done.returncode}:\n{shown}", way_out)
    return done.stdout.decode(errors="replace")
