"""Take the messages of another host's queue directory into ours, while Postfix works.

The queue ids of a host contain inode numbers (postconf(5), enable_long_queue_ids), so two hosts' names
collide. As postsuper(1) -s would, each message keeps the time digits of its name and gets our inode number;
it gets them before it comes into a queue, so nothing of ours can be overwritten, and Postfix need not be
stopped: port 25 stays open where this host is the only one left. It comes into `hold`, which Postfix leaves
alone. There `postsuper -s` looks at the names and puts all into its place (`postfix reload` has it do so as
well, while mail moves), and `postsuper -H` releases it.

A file without the mode 0700 is a message that Postfix had not accepted yet: its sender has it still.
"""

import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from twinmx.durable import sync_directory
from twinmx.queues.settings import Instance
from twinmx.recovery.journal import Adopted, Journal
from twinmx.recovery.places import MAIL_USER, CommandError, Places
from twinmx.recovery.queue_file import DamagedError, identity

MESSAGES = ("incoming", "active", "deferred", "hold")
ASIDE = {
    "maildrop": "a program of that host had written it, and Postfix had not accepted it yet",
    "corrupt": "Postfix has put it aside as damaged",
}
LOGS = ("bounce", "defer", "trace")
"""What Postfix keeps beside a message, under the same name: whom it still has to tell, and of what."""

STAGE = "adopting"
ID = re.compile(r"[0-9A-Za-z]{6,}")
_TIME = re.compile(r"[0-9A-F]{5}")
_TIMES = 1_000_000
READY, EXPIRED = stat.S_IRWXU, stat.S_IXGRP
"""Modes (mail_queue.h) of a message that Postfix has accepted, and of one that shall expire: postsuper -e."""

NOT_ACCEPTED = "it had not been accepted yet: its sender has it still, and comes again"


class AdoptError(Exception):
    """Nothing can be adopted, or an adoption could not be finished; the message says why."""


@dataclass(frozen=True)
class Entry:
    """What became of a message: `adopted` as `became`, `known` from an earlier time as that, or `left`."""

    instance: str
    queue: str
    was: str
    state: Literal["adopted", "known", "left"]
    became: str = ""
    why: str = ""


def files(directory: Path) -> list[Path]:
    """The files of a queue, in all of its subdirectories, that have the name of a message."""
    return sorted(path for path in directory.rglob("*") if ID.fullmatch(path.name) and path.is_file())


def accepted(path: Path) -> bool:
    """Whether Postfix has told the sender that it has the message."""
    return path.stat().st_mode & READY == READY


class Adopter:
    """Takes messages into one instance of Postfix."""

    def __init__(self, places: Places, name: str, instance: Instance, journal: Journal) -> None:
        self._places = places
        self._name = name
        self._instance = instance
        self._queue = instance.queue_directory
        self._stage = self._queue / STAGE
        self._journal = journal

    def adopt(self, source: Path) -> list[Entry]:
        """Take over what is in `source`, a queue directory, and have it delivered; what became of each.

        Raises `AdoptError`, `OSError`; the same again goes on where it ended.
        """
        self._prepare()
        entries = [self._take(source, queue, path) for queue in MESSAGES for path in files(source / queue)]
        entries += [
            Entry(self._name, queue, path.name, "left", why=why)
            for queue, why in ASIDE.items()
            for path in files(source / queue)
        ]
        self._release()
        shutil.rmtree(self._stage)
        return entries

    # --- into hold ---------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Finish what a run that was broken off has begun: what it had noted down, and nothing else."""
        if self._postfix("postconf", "-h", "enable_long_queue_ids").strip() != b"no":
            raise AdoptError(f"{self._queue}: enable_long_queue_ids is not `no`, which these names are for")
        self._stage.mkdir(mode=READY, exist_ok=True)
        noted = {one.became for one in self._journal.adopted.values() if one.instance == self._name}
        for path in self._stage.iterdir():
            if path.name.partition(".")[0] not in noted:
                path.unlink()
        for path in files(self._stage):
            self._finish(path.name)

    def _take(self, source: Path, queue: str, path: Path) -> Entry:
        def entry(state: Literal["adopted", "known", "left"], became: str = "", why: str = "") -> Entry:
            return Entry(self._name, queue, path.name, state, became, why)

        if not accepted(path):
            return entry("left", why=NOT_ACCEPTED)
        try:
            who = identity(path)
        except (DamagedError, OSError) as error:
            return entry("left", why=str(error))
        if known := self._journal.adopted.get(who):
            return entry("known", known.became)
        became = self._staged(source, path)
        self._journal.add(Adopted(who, self._name, queue, path.name, became, time.time()))
        self._finish(became)
        return entry("adopted", became)

    def _staged(self, source: Path, path: Path) -> str:
        """Copy a message and its logs, under their name to be; returns that."""
        copy = self._stage / ".copy"
        _copied(path, copy)
        became = self._free_name(path, copy.stat().st_ino)
        for log in LOGS:
            for found in (source / log).rglob(path.name):
                beside = self._stage / f"{became}.{log}"
                _copied(found, beside)
                beside.chmod(0o600)
                self._places.chown(beside, MAIL_USER)
        copy.chmod(path.stat().st_mode & (READY | EXPIRED))
        self._places.chown(copy, MAIL_USER)
        copy.rename(self._stage / became)
        sync_directory(self._stage)
        return became

    def _free_name(self, path: Path, inode: int) -> str:
        """Its time digits, or its file's, and `inode`; not the name of an old message's log."""
        digits = path.name[:5]
        micro = int(digits, 16) if _TIME.fullmatch(digits) else path.stat().st_mtime_ns // 1000
        while self._has_log(name := f"{micro % _TIMES:05X}{inode:X}"):
            micro += 1
        return name

    def _has_log(self, name: str) -> bool:
        directories = ("", name[0], f"{name[0]}/{name[1]}")  # hash_queue_depth up to 2
        return any((self._queue / log / one / name).exists() for log in LOGS for one in directories)

    def _finish(self, name: str) -> None:
        """Bring what is staged to where Postfix finds it, the message last: alone, a log is nothing."""
        for log in LOGS:
            staged = self._stage / f"{name}.{log}"
            if staged.exists():
                staged.rename(self._queue / log / name)
        (self._stage / name).rename(self._queue / "hold" / name)
        sync_directory(self._queue / "hold")

    # --- out of hold -------------------------------------------------------------------------------

    def _release(self) -> None:
        """Have Postfix's own tool look at them, and release those that nobody held before."""
        said = self._postfix("postsuper", "-s", "hold", *LOGS)
        if b"Renamed to match inode" in said:
            raise AdoptError(
                f"{self._queue}: postsuper has renamed messages: they stay on hold. {said.decode()}"
            )
        held = {path.name for path in files(self._queue / "hold")}
        waiting = [name for name in self._journal.unreleased(self._name) if name in held]
        if waiting:
            self._postfix("postsuper", "-H", "-", given="".join(f"{name}\n" for name in waiting).encode())
            if still := {path.name for path in files(self._queue / "hold")} & set(waiting):
                raise AdoptError(f"{self._queue}: still on hold: {', '.join(sorted(still))}")
            self._journal.released(self._name, waiting)

    def _postfix(self, program: str, *words: str, given: bytes = b"") -> bytes:
        try:
            ran = self._places.run([program, "-c", str(self._instance.config_directory), *words], given)
        except CommandError as error:
            raise AdoptError(str(error)) from error
        return ran.output + ran.errors


def _copied(source: Path, target: Path) -> None:
    """A copy that is on disk; its time is now, so that its next attempt is due."""
    target.unlink(missing_ok=True)
    with source.open("rb") as there, target.open("xb") as here:
        shutil.copyfileobj(there, here)
        here.flush()
        os.fsync(here.fileno())


def instances_of(source: Path, instances: dict[str, Instance]) -> Iterator[tuple[str, Path]]:
    """The queue directory of each instance in a disk's root, its var/spool, or a copy of that."""
    for name, instance in instances.items():
        below = (source / "var/spool", source)
        found = [top / instance.queue_directory.name for top in below]
        if there := [path for path in found if any((path / queue).is_dir() for queue in MESSAGES)]:
            yield name, there[0]
