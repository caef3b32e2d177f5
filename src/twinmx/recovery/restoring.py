"""Put the files of a backup back where they were, with their owners and modes; twice is the same as once.

What is there already stays as it is: an item of the quarantine, an alias' override, a block of Prometheus.
Only what was learned from mail is replaced as a whole, since two such states cannot be added up.
"""

import json
import os
import shutil
import stat
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twinmx.aliases.overrides import read_overrides
from twinmx.durable import sync_directory
from twinmx.recovery.archive import Member, check, members
from twinmx.recovery.places import BAYES_USER, OUR_USER, PROMETHEUS_USER, RSPAMD_USER, CommandError, Places
from twinmx.recovery.saving import as_spamd

Told = list[str]


def restore(places: Places, host: str, archive: Path) -> Told:
    """Check all of `archive`, then put it back; what was done, a sentence each.

    Raises `ArchiveError` before anything is touched, `OSError`, `LookupError` (no such user: the host was
    not converged) and `CommandError` later: the same again goes on.
    """
    check(archive, host)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=places.state) as directory:
        parts = _unpacked(archive, Path(directory))
        told = []
        if items := parts.get("quarantine"):
            told.append(_restore_quarantine(places, items))
        if "aliases" in parts:
            told.append(_restore_overrides(places, parts["aliases"]["overrides.json"]))
        told += _restore_bayes(places, parts.get("bayes", {}))
        if blocks := parts.get("prometheus"):
            told.append(_restore_prometheus(places, blocks))
    return told or ["the backup is empty: nothing was restored"]


def _unpacked(archive: Path, directory: Path) -> dict[str, dict[str, Path]]:
    """By part, the path of each top entry in `directory`."""
    parts: dict[str, dict[str, Path]] = defaultdict(dict)
    for member in members(archive):
        part, _, rest = member.name.partition("/")
        if rest:
            _write(directory / member.name, member)
            first = rest.partition("/")[0]
            parts[part][first] = directory / part / first
    return parts


def _write(path: Path, member: Member) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        shutil.copyfileobj(member.file, file)
        file.flush()
        os.fsync(file.fileno())
    os.utime(path, (member.changed_at, member.changed_at))


def _place(places: Places, source: Path, target: Path, user: str, candidate: str) -> None:
    """Have a copy of `source` at `target`, whole or not at all; `candidate` is its name until then."""
    beside = target.with_name(candidate)
    if beside.is_dir() and not beside.is_symlink():
        shutil.rmtree(beside)  # of a restore that was broken off
    if source.is_dir():
        shutil.copytree(source, beside)
    else:
        _copy(source, beside)
    for path in (beside, *beside.rglob("*")):
        places.chown(path, user)
        _sync(path)
    beside.rename(target)
    sync_directory(target.parent)


def _copy(source: Path, target: Path) -> None:
    """Have a new file at `target`: never what a link there leads to, for its directory is another user's."""
    target.unlink(missing_ok=True)
    with source.open("rb") as there, target.open("xb") as here:
        os.fchmod(here.fileno(), stat.S_IMODE(os.fstat(there.fileno()).st_mode))
        shutil.copyfileobj(there, here)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _restore_quarantine(places: Places, items: dict[str, Path]) -> str:
    """The directory gets the time of its message: systemd-tmpfiles removes it by its age."""
    missing = {name: item for name, item in items.items() if not (places.quarantine / name).exists()}
    for name, item in sorted(missing.items()):
        item.chmod(0o700)
        written = max(path.stat().st_mtime for path in item.iterdir())
        os.utime(item, (written, written))
        _place(places, item, places.quarantine / name, OUR_USER, f".{name}")
    return f"quarantine: {len(missing)} restored, {len(items) - len(missing)} were there"


def _restore_overrides(places: Places, saved: Path) -> str:
    present, restored, failed = read_overrides(places.overrides), 0, []
    for address, told in json.loads(saved.read_bytes()).items():
        if address in present:
            continue
        verb = "enable" if told["enabled"] else "disable"
        try:
            places.run(["mxctl", "alias", verb, "--local", "--reason", told["reason"], "--", address])
            restored += 1
        except CommandError as error:  # such as an alias that is no more
            failed.append(f"{address}: {error}")
    return "; ".join([f"alias overrides: {restored} restored, {len(present)} were there", *failed])


def _restore_bayes(places: Places, saved: dict[str, Path]) -> Told:
    told = []
    for name, path in sorted(saved.items()):
        if name == "spamassassin.txt":
            _learn(places, path)
            told.append("bayes: SpamAssassin has what it had learned")
            continue
        with _stopped(places, "rspamd.service"):
            for journal in ("-wal", "-shm", "-journal"):
                places.rspamd.joinpath(name + journal).unlink(missing_ok=True)
            path.chmod(0o640)
            _place(places, path, places.rspamd / name, RSPAMD_USER, f".{name}")
        told.append(f"bayes: Rspamd has its {name}")
    return told


def _learn(places: Places, saved: Path) -> None:
    """spamd's user cannot read our directory, nor a pipe of root's."""
    beside = places.bayes_home / ".restore"
    try:
        _copy(saved, beside)
        places.chown(beside, BAYES_USER)
        places.run(as_spamd(places, "sa-learn", "--restore", str(beside)))
    finally:
        beside.unlink(missing_ok=True)


def _restore_prometheus(places: Places, blocks: dict[str, Path]) -> str:
    missing = {name: path for name, path in blocks.items() if not (places.prometheus / name).exists()}
    if missing:
        with _stopped(places, "prometheus.service"):
            for name, path in missing.items():
                for one in (path, *path.rglob("*")):
                    one.chmod(0o755 if one.is_dir() else 0o644)
                # what is left of this name Prometheus removes when it starts
                unfinished = f"{name}.tmp-for-creation"
                _place(places, path, places.prometheus / name, PROMETHEUS_USER, unfinished)
    return f"prometheus: {len(missing)} blocks restored, {len(blocks) - len(missing)} were there"


@contextmanager
def _stopped(places: Places, unit: str) -> Iterator[None]:
    places.run(["systemctl", "stop", unit])
    try:
        yield
    finally:
        places.run(["systemctl", "start", unit])
