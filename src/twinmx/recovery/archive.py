"""The file that a backup is: a tar archive, with a manifest as its last member.

Last, because it has the SHA-256 of every other member, and those are only read while they are written. So an
archive that was cut off has none, and is refused. The controller and the host read it with the same `check`.
"""

import os
import re
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MANIFEST = "manifest.json"
LONGEST_MANIFEST = 256 << 20
_STEP = 1 << 20
_NAME = re.compile(r"[a-z]+(?:/[0-9A-Za-z_][0-9A-Za-z._-]*)+")


class ArchiveError(Exception):
    """It is no backup, not one of this host, or not whole; the message says what is wrong."""


class Saved(BaseModel):
    """A member: its SHA-256 (hex), and its size in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str
    size: int


class Manifest(BaseModel):
    """What a backup says of itself. made_at: seconds since 1970. notes: what could not be saved, and why."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["twinmx backup 1"] = "twinmx backup 1"
    host: str
    made_at: float
    release: str
    files: dict[str, Saved] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)

    def count(self, part: str) -> int:
        """How many things of a part there are: messages in `quarantine`, blocks in `prometheus`, …"""
        return len({name.split("/")[1] for name in self.files if name.startswith(f"{part}/")})


class _Hashing:
    """A file that is being read, and the hash of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        return data


class Writer:
    """Writes an archive onto a stream that cannot be sought, such as standard output."""

    def __init__(self, stream: BinaryIO, manifest: Manifest) -> None:
        self.manifest = manifest
        self._tar = tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def add(self, name: str, file: IO[bytes], size: int, changed_at: float) -> None:
        """Add `size` bytes of `file`; raises `OSError` where there are fewer."""
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size, int(changed_at), 0o600
        hashing = _Hashing(file)
        self._tar.addfile(info, hashing)
        self.manifest.files[name] = Saved(sha256=hashing.hash.hexdigest(), size=size)

    def add_path(self, name: str, path: Path) -> None:
        """Add what is in `path` now; raises `OSError`, also for a link: whoever may put one there."""
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            status = os.fstat(file.fileno())
            self.add(name, file, status.st_size, status.st_mtime)

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add what is in memory."""
        self.add(name, BytesIO(data), len(data), time.time())

    def note(self, text: str) -> None:
        """Say that something is not in the archive."""
        self.manifest.notes.append(text)

    def close(self) -> None:
        """Add the manifest, and end the archive."""
        data = self.manifest.model_dump_json(indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mtime, info.mode = len(data), int(self.manifest.made_at), 0o600
        self._tar.addfile(info, BytesIO(data))
        self._tar.close()


@dataclass(frozen=True)
class Member:
    """A file of an archive, and what it holds; `changed_at` in seconds since 1970."""

    name: str
    changed_at: float
    file: IO[bytes]


@contextmanager
def _faults_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveError(f"{path} is damaged, or no backup: {error}") from error
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror or error}") from error


def members(path: Path) -> Iterator[Member]:
    """The files of an archive, in its order, without the manifest; raises `ArchiveError`."""
    with _faults_told(path), tarfile.open(path, "r:") as tar:
        for info in tar:
            file = tar.extractfile(info) if info.isreg() else None
            if file is None:
                raise ArchiveError(f"{path}: {info.name!r} is no file, and no backup has such a thing")
            yield Member(info.name, info.mtime, file)


def check(path: Path, host: str) -> Manifest:
    """Read all of an archive, and return its manifest.

    Raises `ArchiveError` unless it is a whole backup of `host`, and every byte is as it was saved.
    """
    with _faults_told(path):
        manifest, found = _everything(path)
    if manifest is None:
        raise ArchiveError(f"{path} is not whole: its last part, {MANIFEST}, is missing")
    if manifest.host != host:
        raise ArchiveError(f"{path} is a backup of {manifest.host}, not of {host}")
    for name in sorted(found.keys() | manifest.files.keys()):
        if found.get(name) != manifest.files.get(name):
            raise ArchiveError(f"{path} is damaged: {name} is not what was saved")
    return manifest


def _everything(path: Path) -> tuple[Manifest | None, dict[str, Saved]]:
    found: dict[str, Saved] = {}
    manifest: Manifest | None = None
    for member in members(path):
        if manifest or member.name in found:
            raise ArchiveError(f"{path} is damaged: {member.name} does not belong there")
        if member.name == MANIFEST:
            manifest = _read(path, member.file)
        elif not _NAME.fullmatch(member.name):
            raise ArchiveError(f"{path}: no backup has a file of the name {member.name!r}")
        else:
            found[member.name] = _measured(member.file)
    return manifest, found


def _read(path: Path, file: IO[bytes]) -> Manifest:
    try:
        return Manifest.model_validate_json(file.read(LONGEST_MANIFEST))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or MANIFEST
        raise ArchiveError(f"{path}: {MANIFEST}: {where}: {first['msg']}") from error


def _measured(file: IO[bytes]) -> Saved:
    hashing, size = _Hashing(file), 0
    while data := hashing.read(_STEP):
        size += len(data)
    return Saved(sha256=hashing.hash.hexdigest(), size=size)
