"""Take what is left in the queues of this host out of them, for another host to adopt.

Each message is moved, not copied, to a directory that Postfix does not know, before the other host hears of
it. So it is never in two queues, whoever starts Postfix here again and wherever the way is broken off.
"""

import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from twinmx.durable import sync_directory
from twinmx.queues.settings import Instance
from twinmx.recovery.adopting import LOGS, MESSAGES, READY, accepted, files
from twinmx.recovery.places import CommandError, Places

ASIDE = "evacuated"


class RunningError(Exception):
    """Postfix runs: its queue is not ours to touch."""


def take(places: Places, instances: Mapping[str, Instance]) -> dict[str, int]:
    """Move all accepted messages and their logs aside; how many are there now, by instance.

    Raises `RunningError` while an instance runs, `OSError`.
    """
    for instance in instances.values():
        if _runs(places, instance):
            raise RunningError(f"Postfix runs on {instance.queue_directory}: stop it first")
    return {name: _take(instance.queue_directory) for name, instance in instances.items()}


def _runs(places: Places, instance: Instance) -> bool:
    """Whether it does, or that cannot be told: `master -t` is content only where nobody has its lock."""
    where = ("-c", str(instance.config_directory))
    daemons = places.run(["postconf", *where, "-h", "daemon_directory"]).output.decode().strip()
    try:
        places.run([f"{daemons}/master", *where, "-t"])
    except CommandError:
        return True
    return False


def _take(queue: Path) -> int:
    """The logs first: without its message a log is nothing, and with it there must be its log."""
    aside = queue / ASIDE
    aside.mkdir(mode=READY, exist_ok=True)
    for name in (*LOGS, *MESSAGES):
        target = aside / name
        target.mkdir(mode=READY, exist_ok=True)
        for path in files(queue / name):
            if name in LOGS or accepted(path):
                path.rename(target / path.name)
        sync_directory(target)
    return sum(len(files(aside / name)) for name in MESSAGES)


def give(instances: Mapping[str, Instance], stream: BinaryIO) -> None:
    """Write what was moved aside onto `stream`, as a tar archive with a directory for each instance."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for instance in instances.values():
            aside = instance.queue_directory / ASIDE
            if aside.is_dir():
                tar.add(aside, instance.queue_directory.name)


def forget(instances: Mapping[str, Instance]) -> list[str]:
    """Put what was given away under a name that no later run gives again; returns the directories."""
    kept = []
    for instance in instances.values():
        aside = instance.queue_directory / ASIDE
        if aside.is_dir():
            away = aside.with_name(f"{ASIDE}-{time.time_ns()}")
            aside.rename(away)
            kept.append(str(away))
    return kept
