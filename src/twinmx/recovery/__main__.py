"""The command line that the controller calls; what it has to say is JSON on standard output."""

import argparse
import errno
import fcntl
import json
import os
import shutil
import sqlite3
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from twinmx.aliases.overrides import OverridesError
from twinmx.program.settings import SettingsError, load_settings
from twinmx.queues.settings import SETTINGS, Instance, Settings
from twinmx.recovery.adopting import Adopter, AdoptError, instances_of
from twinmx.recovery.archive import ArchiveError
from twinmx.recovery.journal import Journal, JournalError
from twinmx.recovery.places import CommandError, Places
from twinmx.recovery.restoring import restore
from twinmx.recovery.saving import save
from twinmx.recovery.taking import GivenError, RunningError, forget, give, left, take


class BusyError(Exception):
    """The same program is at work on this host."""


FAULTS = (
    AdoptError, ArchiveError, BusyError, CommandError, GivenError, JournalError, LookupError, OSError,
    OverridesError, RunningError, SettingsError, sqlite3.Error, tarfile.TarError,
)  # fmt: skip
UNPACKED = (".adopt-", ".restore-")
"""What begins so below /var/lib/twinmx is a run's own, and nobody's when that has died."""


def _instances(root: Path) -> dict[str, Instance]:
    told = load_settings(root / SETTINGS.relative_to("/"), Settings)
    return {
        name: one.model_copy(update={"queue_directory": root / one.queue_directory.relative_to("/")})
        for name, one in told.instances.items()
    }


def _restore(places: Places, host: str) -> list[str]:
    with tempfile.NamedTemporaryFile(prefix=UNPACKED[1], dir=places.state) as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        return restore(places, host, Path(file.name))


def _adopt(places: Places, instances: dict[str, Instance], host: str, directory: str) -> list[dict[str, str]]:
    """Adopt what is in `directory`, or, where that is "-", in the tar archive on standard input."""
    if directory != "-":
        return _adopt_from(places, instances, host, Path(directory))
    with tempfile.TemporaryDirectory(prefix=UNPACKED[0], dir=places.state) as unpacked:
        with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
            tar.extractall(unpacked, filter="data")
        return _adopt_from(places, instances, host, Path(unpacked))


def _adopt_from(
    places: Places, instances: dict[str, Instance], host: str, source: Path
) -> list[dict[str, str]]:
    found = dict(instances_of(source, instances))
    if not found:
        wanted = " or ".join(one.queue_directory.name for one in instances.values())
        raise AdoptError(f"{source}: there is no queue directory of Postfix in it ({wanted})")
    _remember_delivered(places, source)
    journal = Journal(places.adopted)
    return [
        asdict(entry)
        for name, queue in found.items()
        for entry in Adopter(places, name, instances[name], journal).adopt(queue, host)
    ]


def _remember_delivered(places: Places, source: Path) -> None:
    """Know, first, which mailboxes have what others have not: their messages are among the adopted."""
    for path in source.glob("var/lib/twinmx/delivered/*"):
        if not (places.delivered / path.name).exists():
            (places.delivered / path.name).touch(mode=0o600)
            places.chown(places.delivered / path.name, "twinmx")


def main(places: Callable[[Path], Places] = Places) -> int:
    """Do it; 1 with a sentence on standard error where it cannot be done."""
    parser = argparse.ArgumentParser(prog="twinmx.recovery", description="Save, restore, hand over, adopt.")
    parser.add_argument("--root", type=Path, default=Path("/"), help="where the host's files are")
    acts = parser.add_subparsers(dest="act", required=True)
    for act in ("backup", "restore", "adopt"):
        acts.add_parser(act).add_argument("host", help="its name in the inventory")
    acts.choices["backup"].add_argument("--prometheus", action="store_true")
    acts.choices["adopt"].add_argument("directory", help="- for a tar archive on standard input")
    acts.add_parser("give").add_argument("to", help="the host that gets it")
    for act in ("take", "left", "forget"):
        acts.add_parser(act)
    arguments = parser.parse_args()
    try:
        _act(arguments, places(arguments.root))
    except FAULTS as error:
        print(f"{error}{_way_out(error)}", file=sys.stderr)
        return 1
    return 0


def _way_out(error: Exception) -> str:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return ": make room in /var and /tmp, then the same again goes on" if full else ""


@contextmanager
def _alone(places: Places) -> Iterator[None]:
    """One at a time: of a connection that broke the program may still be at work.

    Raises `BusyError`. The lock (flock(2)) goes with the process.
    """
    handle = os.open(places.state, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                "a restore, an evacuation or an adoption is at work here, maybe of a connection that broke: "
                "it ends by itself; then the same again goes on"
            ) from None
        for path in (path for prefix in UNPACKED for path in places.state.glob(f"{prefix}*")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        yield
    finally:
        os.close(handle)


def _act(asked: argparse.Namespace, places: Places) -> None:
    if asked.act == "backup":
        save(places, asked.host, sys.stdout.buffer, prometheus=asked.prometheus)
        return
    with _alone(places):
        if asked.act == "restore":
            print(json.dumps(_restore(places, asked.host)))
            return
        instances = _instances(asked.root)
        if asked.act == "give":
            give(places, instances, sys.stdout.buffer, asked.to)
        elif asked.act == "adopt":
            print(json.dumps(_adopt(places, instances, asked.host, asked.directory)))
        else:
            print(json.dumps(_ACTS[asked.act](places, instances)))


_ACTS: dict[str, Callable[[Places, dict[str, Instance]], object]] = {
    "take": take,
    "left": lambda _, instances: [asdict(entry) for entry in left(instances)],
    "forget": lambda _, instances: forget(instances),
}


if __name__ == "__main__":
    sys.exit(main())
