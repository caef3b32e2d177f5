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
from collections.abc import Iterator, Mapping
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
    "maildrop": "it waits for pickup(8): a program of that host had written it, or postsuper -r requeued it",
    "corrupt": "Postfix has put it aside as damaged",
}
LOGS = ("bounce", "defer", "trace")
"""What Postfix keeps beside a message, under the same name: whom it still has to tell, and of what."""

Logs = Mapping[str, Mapping[str, Path]]
"""By kind, what Postfix keeps beside the messages of a queue directory, by their names."""

EVACUATED = "evacuated"
"""Below a queue directory, what an evacuation has taken out of it, and no other host is known to have."""

GIVEN = "given-to."
"""There, before the name of the host that was given it: an empty file."""

STAGE = "adopting"
ID = re.compile(r"[0-9A-Za-z]{6,}")
_TIME = re.compile(r"[0-9A-F]{5}")
_TIMES = 1_000_000
READY, EXPIRED = stat.S_IRWXU, stat.S_IXGRP
"""Modes (mail_queue.h) of a message that Postfix has accepted, and of one that shall expire: postsuper -e."""

NEW = stat.S_IRUSR | stat.S_IWUSR
NOT_ACCEPTED = "it had not been accepted yet: its sender has it still, and comes again"
MODE_LOST = "its mode {:04o} is none of Postfix's: the copy has lost the modes, make another (cp -a, as root)"
WITH = "{0} was given it by an evacuation, and may have adopted it: adopt this disk on {0}"
RESERVE = 0.05
"""What of its disk stays free for the mail that this host gets itself."""


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
    """The files of a queue, in all of its subdirectories, that have the name of a message.

    Raises `OSError` for a directory that cannot be read, as on a broken disk: its mail is not passed over.
    """

    def failed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    walked = os.walk(directory, onerror=failed)
    found = (Path(where, name) for where, _, names in walked for name in names if ID.fullmatch(name))
    return sorted(path for path in found if path.is_file())


def given_to(aside: Path) -> list[str]:
    """Who has been given what an evacuation has put there, and may have adopted it: one host, or none."""
    return [path.name.removeprefix(GIVEN) for path in aside.glob(f"{GIVEN}*")]


def put_aside(name: str, source: Path) -> list[Entry]:
    """What in the queue directory `source` of the instance `name` is no message that Postfix delivers."""
    return _left(name, source, ASIDE)


def _left(name: str, source: Path, queues: Mapping[str, str]) -> list[Entry]:
    return [
        Entry(name, queue, path.name, "left", why=why)
        for queue, why in queues.items()
        for path in files(source / queue)
    ]


def accepted(path: Path) -> bool:
    """Whether Postfix has told the sender that it has the message."""
    return path.stat().st_mode & READY == READY


def _why_not_accepted(queue: str, path: Path) -> str:
    """Only in `incoming` are files that Postfix is still writing, of the mode 0600 (mail_stream.c)."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return NOT_ACCEPTED if queue == "incoming" and mode == NEW else MODE_LOST.format(mode)


class Adopter:
    """Takes messages into one instance of Postfix."""

    def __init__(self, places: Places, name: str, instance: Instance, journal: Journal) -> None:
        self._places = places
        self._name = name
        self._instance = instance
        self._queue = instance.queue_directory
        self._stage = self._queue / STAGE
        self._journal = journal

    def adopt(self, source: Path, host: str) -> list[Entry]:
        """Take over what is in `source`, a queue directory, and have it delivered; what became of each.

        `host` is our name in the inventory: what an evacuation has given to another one is left to that.
        Raises `AdoptError`, `OSError`; the same again goes on where it ended. What was taken until then is
        on its way: where the disk is full, that makes room.
        """
        if self._queue.samefile(source):
            raise AdoptError(f"{source} is the queue of this host itself: all of it would be sent twice")
        self._prepare()
        evacuated = source / EVACUATED
        elsewhere = [name for name in given_to(evacuated) if name != host]
        try:
            entries = self._take_all(source)
            if not elsewhere:
                entries += self._take_all(evacuated)
        finally:
            self._release()
        if elsewhere:
            entries += _left(self._name, evacuated, dict.fromkeys(MESSAGES, WITH.format(*elsewhere)))
        entries += put_aside(self._name, source)
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

    def _take_all(self, source: Path) -> list[Entry]:
        logs = {log: {path.name: path for path in files(source / log)} for log in LOGS}
        return [self._take(logs, queue, path) for queue in MESSAGES for path in files(source / queue)]

    def _take(self, logs: Logs, queue: str, path: Path) -> Entry:
        def entry(state: Literal["adopted", "known", "left"], became: str = "", why: str = "") -> Entry:
            return Entry(self._name, queue, path.name, state, became, why)

        if not accepted(path):
            return entry("left", why=_why_not_accepted(queue, path))
        try:
            who = identity(path)
        except (DamagedError, OSError) as error:
            return entry("left", why=str(error))
        if known := self._journal.adopted.get(who):
            return entry("known", known.became)
        became = self._staged(logs, path)
        self._journal.add(Adopted(who, self._name, queue, path.name, became, time.time()))
        self._finish(became)
        return entry("adopted", became)

    def _staged(self, logs: Logs, path: Path) -> str:
        """Copy a message and its logs, under their name to be; returns that."""
        self._have_room(path.stat().st_size)
        copy = self._stage / ".copy"
        _copied(path, copy)
        became = self._free_name(path, copy.stat().st_ino)
        for log, those in logs.items():
            if found := those.get(path.name):
                beside = self._stage / f"{became}.{log}"
                _copied(found, beside)
                beside.chmod(0o600)
                self._places.chown(beside, MAIL_USER)
        copy.chmod(path.stat().st_mode & (READY | EXPIRED))
        self._places.chown(copy, MAIL_USER)
        copy.rename(self._stage / became)
        sync_directory(self._stage)
        return became

    def _have_room(self, size: int) -> None:
        disk = shutil.disk_usage(self._queue)
        if disk.free - size < RESERVE * disk.total:
            raise AdoptError(
                f"{self._queue}: only {disk.free >> 20} MiB of the disk are free, which this host needs for "
                "its own mail. What was taken is on its way; when that has made room, the same again goes on"
            )

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
        said = self._postfix("postsuper", "-s", *LOGS, "hold")  # a name is changed beside its logs
        if b"Renamed to match inode" in said:
            raise AdoptError(
                f"{self._queue}: postsuper has renamed messages; they stay on hold: look at them, then "
                f"release each by `postsuper -c {self._instance.config_directory} -H ID`. {said.decode()}"
            )
        held = {path.name for path in files(self._queue / "hold")}
        due = [name for name in self._journal.unreleased(self._name) if not (self._stage / name).exists()]
        waiting = [name for name in due if name in held]
        if waiting:
            self._postfix("postsuper", "-H", "-", given="".join(f"{name}\n" for name in waiting).encode())
            if still := {path.name for path in files(self._queue / "hold")} & set(waiting):
                raise AdoptError(f"{self._queue}: still on hold: {', '.join(sorted(still))}")
        if due:  # what is not held any more was released by a run that died before it could say so
            self._journal.released(self._name, due)

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
