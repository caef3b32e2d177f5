"""`twinmx backup` and `twinmx restore`: what a host has and no repository does, in one file."""

import os
from datetime import UTC, datetime
from pathlib import Path

from controller.errors import ControllerError
from controller.lock import Lock
from controller.recovery.onhost import OnHost
from controller.remote import Remote
from controller.report import note
from twinmx.recovery.archive import ArchiveError, Manifest, check

PARTS = {
    "quarantine": "{} in quarantine",
    "aliases": "alias overrides",
    "bayes": "{} of what engines have learned",
    "prometheus": "{} blocks of Prometheus",
}


def backup(remote: Remote, file: Path, *, prometheus: bool = False) -> Manifest:
    """Write `file`, mode 0600; ControllerError where it does not become whole: an older one then stays."""
    beside = file.with_name(f".{file.name}.part")
    words = ["backup", remote.name, *(["--prometheus"] if prometheus else [])]
    try:
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            OnHost(remote).give(words, target)
            target.flush()
            os.fsync(target.fileno())
        manifest = checked(beside, remote.name)
        beside.replace(file)
    except OSError as error:
        raise ControllerError(f"{file}: {error.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)
    note(f"✓ {file}: {told(manifest)}")
    for text in manifest.notes:
        note(f"! {text}")
    return manifest


def checked(file: Path, host: str) -> Manifest:
    """The manifest of a whole backup of `host`; ControllerError for anything else."""
    try:
        return check(file, host)
    except ArchiveError as error:
        raise ControllerError(f"{error}. Nothing was touched.") from None


def told(manifest: Manifest) -> str:
    """What a backup is, in a line."""
    made = datetime.fromtimestamp(manifest.made_at, UTC)
    counted = {part: manifest.count(part) for part in PARTS}
    parts = [said.format(counted[part]) for part, said in PARTS.items() if counted[part]]
    when = f"{made:%Y-%m-%d %H:%M} UTC"
    return f"{manifest.host}, {when}, release {manifest.release}: {', '.join(parts) or 'nothing'}"


def restore(remote: Remote, file: Path, *, break_lock: bool = False) -> None:
    """Put a backup of this host back; ControllerError, with the host untouched, where it is no such thing."""
    note(told(checked(file, remote.name)))
    with Lock([remote]).held(break_stale=break_lock), file.open("rb") as source:
        for text in OnHost(remote).take(["restore", remote.name], source):  # it checks it again, whole
            note(f"✓ {text}")
