"""What a converge checks on a host, as data: every file, link, absent path, package and unit of its roles.

It is what the roles themselves want (roles/lib/wanted.py), so that nobody keeps a second list. The contents
of files lie beside it, each readable by its owner alone: secrets are among them.
"""

import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from roles.lib.managed import ManagedFile, ManagedLink
from roles.lib.wanted import Wanted


class FileWork(BaseModel):
    """A file's attributes; its content is the file of the same path below the host's directory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    owner: str
    group: str
    mode: str
    secret: bool


class Work(BaseModel):
    """All of a host. links: path → target. packages: name → lowest upstream version, or none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[FileWork, ...]
    links: dict[str, str]
    absent: tuple[str, ...]
    packages: dict[str, str | None]
    active: frozenset[str]
    at_boot: frozenset[str]

    @property
    def units(self) -> list[str]:
        """Those that shall run or start at boot."""
        return sorted(self.active | self.at_boot)

    @classmethod
    def of(cls, wanted: Wanted) -> Self:
        """What the roles have wanted of one host."""
        managed = wanted.files.values()
        return cls(
            files=tuple(
                FileWork(
                    path=file.path, owner=file.user, group=file.group, mode=file.mode, secret=file.secret
                )
                for file in managed
                if isinstance(file, ManagedFile)
            ),
            links={link.path: link.target for link in managed if isinstance(link, ManagedLink)},
            absent=tuple(sorted(wanted.absent)),
            packages=wanted.packages,
            active=frozenset(wanted.active),
            at_boot=frozenset(wanted.at_boot),
        )


def content_file(directory: Path, host: str, path: str) -> Path:
    """Where the content of the file `path` of `host` lies."""
    return directory / "files" / host / path.lstrip("/")


def _described(directory: Path, host: str) -> Path:
    return directory / "work" / f"{host}.json"


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(data)


def store(directory: Path, host: str, wanted: Wanted) -> None:
    """Leave what is wanted of `host` below `directory`."""
    for file in wanted.files.values():
        if isinstance(file, ManagedFile):
            _write(content_file(directory, host, file.path), file.data)
    _write(_described(directory, host), Work.of(wanted).model_dump_json(indent=1).encode())


def stored(directory: Path, host: str) -> Work:
    """What `store` has left of `host`; raises OSError where it has not."""
    return Work.model_validate_json(_described(directory, host).read_text())
