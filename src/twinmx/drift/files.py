"""Managed files, links and directories: there, with this content, mode and owner."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from grp import getgrgid
from pathlib import Path
from pwd import getpwuid

from twinmx.drift.finding import Finding
from twinmx.drift.manifest import Manifest, State

PROBLEMS = {"sha256": "its content differs", "kind": "it is another kind of file"}


def describe(path: str) -> State | None:
    """What is at `path`, in the form of the manifest; None where nothing is."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(status.st_mode):
        return {"kind": "link", "target": str(Path(path).readlink())}
    described = {
        "kind": "directory" if stat.S_ISDIR(status.st_mode) else "file",
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "user": _named(getpwuid, status.st_uid),
        "group": _named(getgrgid, status.st_gid),
    }
    if described["kind"] == "file":
        described["sha256"] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return described


def _named(entry: Callable[[int], Sequence[object]], number: int) -> str:
    try:
        return str(entry(number)[0])
    except KeyError:
        return str(number)


def check(manifest: Manifest) -> Iterator[Finding]:
    """What is not as it was left."""
    seen = {path: describe(path) for path in (*manifest.files, *manifest.absent)}
    yield from judge(manifest, seen)


def judge(manifest: Manifest, seen: Mapping[str, State | None]) -> Iterator[Finding]:
    """The differences between the manifest and what is there."""
    for path, wanted in manifest.files.items():
        found = seen.get(path)
        if found is None:
            yield Finding(kind="file", name=path, problem="it is missing")
        elif problems := _differences(wanted, found):
            yield Finding(kind="file", name=path, problem=", ".join(problems))
    for path in manifest.absent:
        if seen.get(path) is not None:
            yield Finding(kind="file", name=path, problem="it is back")


def _differences(wanted: State, found: State) -> list[str]:
    if wanted["kind"] != found["kind"]:
        return [PROBLEMS["kind"]]
    return [
        PROBLEMS.get(key) or f"{key} {found.get(key)} instead of {value}"
        for key, value in wanted.items()
        if found.get(key) != value
    ]
