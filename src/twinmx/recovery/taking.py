"""Take what is left in the queues of this host out of them, for another host to adopt.

Each message is moved, not copied, to a directory that Postfix does not know, before the other host hears of
it. So it is never in two queues, whoever starts Postfix here again and wherever the way is broken off.
"""

import stat
import tarfile
import time
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from twinmx.durable import sync_directory
from twinmx.queues.settings import Instance
from twinmx.recovery.adopting import (
    EVACUATED,
    GIVEN,
    LOGS,
    MESSAGES,
    READY,
    Entry,
    accepted,
    files,
    given_to,
    put_aside,
)
from twinmx.recovery.places import CommandError, Places


class RunningError(Exception):
    """Postfix runs: its queue is not ours to touch."""


class GivenError(Exception):
    """It was given to another host before; the message says which, and what to do."""


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
    aside = queue / EVACUATED
    aside.mkdir(mode=READY, exist_ok=True)
    for name in (*LOGS, *MESSAGES):
        target = aside / name
        target.mkdir(mode=READY, exist_ok=True)
        for path in files(queue / name):
            if name in LOGS or accepted(path):
                path.rename(target / path.name)
        sync_directory(target)
    return _count(aside)


def left(instances: Mapping[str, Instance]) -> list[Entry]:
    """What is in the queue directories and is not taken, but may be somebody's mail."""
    return [entry for name, one in instances.items() for entry in put_aside(name, one.queue_directory)]


def give(places: Places, instances: Mapping[str, Instance], stream: BinaryIO, to: str) -> None:
    """Write what was moved aside onto `stream`, as a tar archive with a directory for each instance.

    With it goes which mailboxes have what others have not. Raises `GivenError` where another host than `to`
    has had it: only that one knows what it has adopted.
    """
    asides = dict(_asides(instances))
    for aside in asides.values():
        _note_given(aside, to)
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(places.delivered.glob("*")):
            tar.addfile(tarfile.TarInfo(str(path.relative_to(places.root))))
        for name, aside in asides.items():
            for queue in (*LOGS, *MESSAGES):
                for path in files(aside / queue):
                    _add(tar, f"{name}/{queue}/{path.name}", path, log=queue in LOGS)


def _asides(instances: Mapping[str, Instance]) -> Iterator[tuple[str, Path]]:
    """By the name of their queue directories, where messages are aside."""
    for instance in instances.values():
        aside = instance.queue_directory / EVACUATED
        if _count(aside):
            yield instance.queue_directory.name, aside


def _count(aside: Path) -> int:
    return sum(len(files(aside / name)) for name in MESSAGES)


def _note_given(aside: Path, to: str) -> None:
    for other in given_to(aside):
        if other != to:
            raise GivenError(
                f"{other} has been given the messages in {aside}, and may have adopted some: give them to it "
                f"again, --to {other}. Where it will never come back, remove {aside}/{GIVEN}{other}; what it "
                "has sent is then sent twice"
            )
    (aside / f"{GIVEN}{to}").touch(mode=0o600)
    sync_directory(aside)


def _add(tar: tarfile.TarFile, name: str, path: Path, *, log: bool) -> None:
    """What a dying disk does not give back goes over as an empty message: it is named as damaged there."""
    status = path.stat()
    try:
        data = path.read_bytes()
    except OSError:
        if log:
            return
        data = b""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(data), int(status.st_mtime), stat.S_IMODE(status.st_mode)
    tar.addfile(info, BytesIO(data))


def forget(instances: Mapping[str, Instance]) -> list[str]:
    """Put what was given away under a name that no later run gives again; returns the directories."""
    kept = []
    for _, aside in _asides(instances):
        away = aside.with_name(f"{EVACUATED}-{time.time_ns()}")
        aside.rename(away)
        sync_directory(away.parent)
        kept.append(str(away))
    return kept
