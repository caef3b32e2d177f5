"""Run a converge that has nothing to change, and say what it cost: seconds, and the controller's CPU time.

CPU time is that of everything the command started, SSH included. A process that it leaves behind
(the master of a kept SSH connection, ssh_config(5) ControlPersist) becomes a child of ours and counts as long
as it lives: `adopt_orphans`.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.pyinfra import ROOT, complaint

PYINFRA = str(Path(sys.executable).with_name("pyinfra"))
_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """One run. seconds: by the clock. cpu: CPU seconds of the controller. operations: how many it made."""

    seconds: float
    cpu: float
    operations: int


def adopt_orphans() -> None:
    """Have what a command leaves running become this process's child; raises OSError where Linux refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def _living() -> dict[int, float]:
    """Our children that have not been waited for: processor seconds, with those of whom they waited for."""
    found = {}
    for process in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = process.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[1]) == os.getpid():  # proc_pid_stat(5): ppid; utime, stime, cutime, cstime
            found[int(process.parent.name)] = sum(map(int, fields[11:15])) / _TICKS
    return found


def end_orphans() -> None:
    """End what commands have left running."""
    for pid in _living():
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime + sum(_living().values())


def timed(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> tuple[float, float, subprocess.CompletedProcess[str]]:
    """Run `command` in the checkout; its seconds, its processor seconds, and what it said."""
    before, started = _spent(), time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return time.monotonic() - started, _spent() - before, done


def converge(inventory: str, deploy: str, *options: str) -> Sample:
    """A run of pyinfra; raises SystemExit unless it found nothing to change."""
    command = [PYINFRA, inventory, deploy, "-y", "--json", *options]
    seconds, cpu, done = timed(command)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{complaint(done.stderr)}")
    totals = json.loads(done.stdout)["results"]["totals"]
    if totals["success"] or totals["error"]:
        raise SystemExit(f"{deploy} was no no-op: {totals}; converge {inventory} first")
    return Sample(seconds, cpu, totals["no_change"])
