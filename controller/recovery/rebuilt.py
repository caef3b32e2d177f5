"""`twinmx rebuild`: a host that was lost, from a bare machine to an exchanger in service, in one go."""

import time
from pathlib import Path

from controller.errors import ControllerError
from controller.recovery.saved import checked, restore
from controller.rolling import run as rolling
from controller.rolling.fleet import Fleet
from controller.rolling.run import Options


def rebuild(fleet: Fleet, name: str, backup: Path | None, options: Options) -> float:
    """Converge, as any converge does, and put a backup back; how many seconds it took.

    The others carry the mail meanwhile. ControllerError where the backup is none of this host, or the
    converge stops: the same again goes on.
    """
    if name not in fleet.remotes:
        raise ControllerError(f"{name}: no such exchanger; allowed: {', '.join(fleet.remotes)}")
    if backup:
        checked(backup, name)
    began = time.monotonic()
    rolling.converge(fleet, options)
    if backup:
        restore(fleet.remotes[name], backup, break_lock=options.break_lock)
    return time.monotonic() - began
