"""A host below a directory: its queues, what it keeps, and stand-ins for the programs that work on them.

`python -m tests.unit.twinmx.recovering` is `python -m twinmx.recovery` on such a host.
"""

import shutil
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO
from unittest.mock import patch

from twinmx.quarantine import Quarantine
from twinmx.queues.settings import Instance
from twinmx.recovery.__main__ import main
from twinmx.recovery.adopting import Adopter, Entry
from twinmx.recovery.journal import Journal
from twinmx.recovery.places import CommandError, Places, Ran
from twinmx.recovery.saving import save

QUEUE_FILES = Path(__file__).parent / "queue_files"
FRESH, PARTLY = QUEUE_FILES / "deferred.bin", QUEUE_FILES / "partly-delivered.bin"
"""Of Postfix 3.7.11: one message, before and after one of its two recipients had got it."""

NAMES = {"in": "postfix", "out": "postfix-out"}
QUEUES = ("incoming", "active", "deferred", "hold", "bounce", "defer", "trace")
SETTINGS = """
[instances.in]
config_directory = "/etc/postfix"
queue_directory = "/var/spool/postfix"
syslog_name = "postfix"
[instances.out]
config_directory = "/etc/postfix-out"
queue_directory = "/var/spool/postfix-out"
syslog_name = "postfix-out"
[timing]
interval_seconds = 5
read_seconds = 30
[log]
ignore = []
[aliases]
snapshot = "/var/lib/twinmx/aliases/aliases.lmdb"
[metrics]
address = "198.51.100.11"
port_base = 20410
"""


def no_owner(path: Path, user: str) -> None:
    """Users of a host are none of this machine."""


class Host:
    """What is below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.places = Places(root, self.run, no_owner)

    @classmethod
    def make(cls, root: Path) -> "Host":
        host = cls(root)
        for queue in (*QUEUES, "maildrop", "corrupt"):
            for name in NAMES.values():
                (root / "var/spool" / name / queue).mkdir(parents=True)
        for directory in (host.places.quarantine, host.places.delivered, host.places.overrides.parent):
            directory.mkdir(parents=True)
        for directory in (host.places.bayes_home, host.places.rspamd, host.places.prometheus):
            directory.mkdir(parents=True)
        settings = root / "etc/twinmx/queues.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(SETTINGS)
        return host

    def spool(self, instance: str) -> Path:
        return self.root / "var/spool" / NAMES[instance]

    def instance(self, name: str) -> Instance:
        return Instance(
            config_directory=Path("/etc", NAMES[name]),
            queue_directory=self.spool(name),
            syslog_name=NAMES[name],
        )

    def put(self, instance: str, place: str, data: bytes, *, mode: int = 0o700) -> Path:
        """Have a file in a queue."""
        path = self.spool(instance) / place
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
        return path

    def queued(self, instance: str) -> dict[str, bytes]:
        """What waits, by queue and name: `deferred/4ABC`."""
        found = {}
        for queue in QUEUES:
            for path in (self.spool(instance) / queue).rglob("*"):
                if path.is_file():
                    found[f"{queue}/{path.name}"] = path.read_bytes()
        return found

    @property
    def ran(self) -> list[str]:
        """The programs that were run, but for Postfix's."""
        log = self.root / "ran"
        return log.read_text().splitlines() if log.exists() else []

    def run(self, words: Sequence[str], given: bytes = b"") -> Ran:
        program = Path(words[0]).name
        if program == "postconf":
            return Ran(b"no\n" if "enable_long_queue_ids" in words else b"/usr/lib/postfix/sbin\n", b"")
        if program == "master":
            if (self.root / "running").exists():
                raise CommandError("master: exit status 1")
            return Ran(b"", b"")
        if program == "postsuper":
            return self._postsuper(words, given)
        with (self.root / "ran").open("a") as log:
            log.write(" ".join(words).replace(str(self.root), "") + "\n")
        if "--restore" in words:
            shutil.copyfile(words[-1], self.root / "learned")
        return Ran(b"tokens\n" if "--backup" in words else b"", b"")

    def _postsuper(self, words: Sequence[str], given: bytes) -> Ran:
        """postsuper(1): -s as it is where every name fits its file, -H."""
        spool = self.root / "var/spool" / Path(words[2]).name
        assert (spool / "hold").is_dir()
        if words[3] == "-s":
            renamed = [path for path in (spool / "hold").iterdir() if _inode(path) != path.stat().st_ino]
            return Ran(b"", b"postsuper: Renamed to match inode number: 1 message" if renamed else b"")
        if (self.root / "postsuper-fails").exists():
            raise CommandError("postsuper: fatal: it is broken")
        for name in given.decode().split():
            target = spool / "deferred" / name[0]
            target.mkdir(exist_ok=True)
            (spool / "hold" / name).rename(target / name)
        return Ran(b"", b"")


def _inode(path: Path) -> int:
    return int(path.name[5:], 16)


def message(number: int) -> bytes:
    """A queue file of its own, as Postfix would have written it."""
    return FRESH.read_bytes().replace(b"hello", b"%05d" % number)


def adopt(ours: Host, broken: Host, instance: str = "in") -> list[Entry]:
    """What became of the messages that a broken host, mx2, has in one of its instances."""
    journal = Journal(ours.places.adopted)
    adopter = Adopter(ours.places, instance, ours.instance(instance), journal)
    return adopter.adopt(broken.spool(instance), "mx2")


def backup(host: Host, *, prometheus: bool = False) -> Path:
    """A backup of `host`, as a file in it."""
    stream = BytesIO()
    save(host.places, "mx1", stream, prometheus=prometheus)
    path = host.root / "backup.tar"
    path.write_bytes(stream.getvalue())
    return path


def item(host: Host, text: bytes = b"spam\r\n") -> str:
    """A message in quarantine: its name."""
    return Quarantine(host.places.quarantine).store(text, {"sender": "a@sender.example"}, "4ABC")


def content(directory: Path) -> dict[str, bytes]:
    """The files below a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def program(host: Host, words: Sequence[str], given: BinaryIO | None = None) -> tuple[int, bytes, str]:
    """`python -m twinmx.recovery` on `host`, in this process: its status, and what it prints."""
    output, errors = TextIOWrapper(BytesIO()), StringIO()
    with (
        patch.object(sys, "argv", ["recovery", "--root", str(host.root), *words]),
        patch.object(sys, "stdin", SimpleNamespace(buffer=given)),
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        status = main(lambda _: host.places)
        output.flush()
    printed = output.detach()
    assert isinstance(printed, BytesIO)
    return status, printed.getvalue(), errors.getvalue()


if __name__ == "__main__":
    sys.exit(main(lambda root: Host(root).places))
