"""Where found spam goes when it is too late to refuse it: kept on disk, never bounced, never lost.

An item is a directory with the message as it came and an `envelope.json`. It gets its name only
when both are on disk, so a crash leaves a whole item or none. `Held` is how one is taken out again.
"""

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError, field_validator

from twinmx.durable import sync_directory
from twinmx.smtp.envelope import Envelope

_MESSAGE = "message.eml"
_ENVELOPE = "envelope.json"
_PROGRESS = "release.json"
_ITEM = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9A-Za-z]{1,40}-[0-9a-f]{8}")


class QuarantineError(Exception):
    """There is no such item, it is damaged, or somebody else has it in hand."""


class Verdict(BaseModel):
    """Why the message is here: the engine that said so, and its score in points."""

    engine: str
    score: float


class Record(BaseModel):
    """What is kept beside a message; `onward` is the envelope under which it would have gone on.

    `quarantined_at` is in seconds since 1970, `recipient` the alias, `sender` that of the outside.
    """

    quarantined_at: float
    sender: str
    recipient: str
    account: str | None = None
    verdict: Verdict
    onward: Envelope

    @field_validator("onward")
    @classmethod
    def _leads_somewhere(cls, onward: Envelope) -> Envelope:
        if not onward.recipients:
            raise ValueError("it names no mailbox")
        return onward


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a release has come.

    `accepted` maps a mailbox to the reply that took the message for it. `sending` is the mailbox whose answer
    is not known: a release is under way, or it was interrupted there. `refused` is why the last one ended.
    """

    accepted: Mapping[str, str]
    sending: str | None = None
    refused: str | None = None


_PROGRESSES = TypeAdapter(Progress)


@dataclass(frozen=True, slots=True)
class Item:
    """One quarantined message; `envelope` is what `Quarantine.store` was given beside it."""

    name: str
    envelope: Mapping[str, Any]
    message: bytes


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list shows of an item; `size` is that of the message in bytes."""

    name: str
    record: Record
    size: int
    progress: Progress


class Quarantine:
    """A directory of items."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def store(self, message: bytes, envelope: Mapping[str, Any], queue_id: str) -> str:
        """Write an item and return its name once it is safe on disk; blocks. Raises `OSError`."""
        mark = re.sub(r"[^0-9A-Za-z]", "", queue_id)[:40] or "none"
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{mark}-{secrets.token_hex(4)}"
        candidate = self._directory / f".{name}"
        candidate.mkdir(mode=0o700)
        try:
            _write(candidate / _MESSAGE, message)
            _write(candidate / _ENVELOPE, json.dumps(envelope, indent=1).encode() + b"\n")
            sync_directory(candidate)
            candidate.rename(self._directory / name)
        except BaseException:
            shutil.rmtree(candidate, ignore_errors=True)
            raise
        sync_directory(self._directory)
        return name

    def names(self) -> list[str]:
        """Return the names of all items, the oldest first; raises `OSError`."""
        return sorted(path.name for path in self._directory.iterdir() if _ITEM.fullmatch(path.name))

    def summary(self, name: str) -> Summary:
        """Return what a list shows of an item, without reading the message; raises `QuarantineError`."""
        path = self._path(name)
        try:
            record = Record.model_validate_json((path / _ENVELOPE).read_bytes())
            return Summary(name, record, (path / _MESSAGE).stat().st_size, _progress(path))
        except (OSError, ValueError) as error:
            raise _damaged(name, error) from error

    def read(self, name: str) -> Item:
        """Return one item; raises `QuarantineError`."""
        path = self._path(name)
        try:
            envelope = json.loads((path / _ENVELOPE).read_bytes())
            return Item(name, envelope, (path / _MESSAGE).read_bytes())
        except (OSError, ValueError) as error:
            raise _damaged(name, error) from error

    @contextmanager
    def hold(self, name: str) -> Iterator["Held"]:
        """Have an item for oneself until the end of the block; raises `QuarantineError`.

        The lock (flock(2)) goes with the process that holds it, so none outlives a crash; systemd-tmpfiles
        leaves a locked directory alone as well.
        """
        path = self._path(name)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise _damaged(name, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not path.exists():  # gone between the two calls
                raise QuarantineError(f"{name}: somebody else has just taken it out")
            yield Held(path)
        except BlockingIOError as error:
            raise QuarantineError(f"{name}: somebody else has it in hand") from error
        finally:
            os.close(handle)

    def _path(self, name: str) -> Path:
        if not _ITEM.fullmatch(name):
            raise QuarantineError(f"{name!r} is not the name of a quarantined message")
        return self._directory / name


class Held:
    """An item that nobody else releases or drops."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def progress(self) -> Progress:
        """How far releases have come; raises `QuarantineError`."""
        try:
            return _progress(self._path)
        except (OSError, ValueError) as error:
            raise _damaged(self._path.name, error) from error

    def note(self, progress: Progress) -> None:
        """Put `progress` on disk before anything else happens; raises `OSError`."""
        candidate = self._path / f".{_PROGRESS}"
        candidate.unlink(missing_ok=True)
        _write(candidate, json.dumps(asdict(progress), indent=1).encode() + b"\n")
        candidate.rename(self._path / _PROGRESS)
        sync_directory(self._path)

    def remove(self) -> None:
        """Take the item out; raises `OSError`. It loses its name at once, so no part of it is ever listed."""
        gone = self._path.with_name(f".{self._path.name}.gone")
        self._path.rename(gone)
        sync_directory(gone.parent)
        shutil.rmtree(gone)


def _progress(path: Path) -> Progress:
    try:
        return _PROGRESSES.validate_json((path / _PROGRESS).read_bytes())
    except FileNotFoundError:
        return Progress({})


def _damaged(name: str, error: Exception) -> QuarantineError:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return QuarantineError(f"{name}: {'.'.join(map(str, first['loc'])) or _ENVELOPE}: {first['msg']}")
    if isinstance(error, FileNotFoundError):
        return QuarantineError(f"{name}: there is no such message in the quarantine, or not all of it")
    return QuarantineError(f"{name}: {error}")


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
