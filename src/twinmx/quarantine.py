"""Where found spam goes when it is too late to refuse it: kept on disk, never bounced, never lost.

An item is a directory with the message as it came and an `envelope.json`. It gets its name only
when both are on disk, so a crash leaves a whole item or none.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twinmx.durable import sync_directory

_MESSAGE = "message.eml"
_ENVELOPE = "envelope.json"
_ITEM = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9A-Za-z]{1,40}-[0-9a-f]{8}")


class QuarantineError(Exception):
    """There is no such item, or it is damaged."""


@dataclass(frozen=True, slots=True)
class Item:
    """One quarantined message; `envelope` is what `Quarantine.store` was given beside it."""

    name: str
    envelope: Mapping[str, Any]
    message: bytes


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
        """Return the names of all items, the oldest first."""
        return sorted(path.name for path in self._directory.iterdir() if _ITEM.fullmatch(path.name))

    def read(self, name: str) -> Item:
        """Return one item; raises `QuarantineError`."""
        if not _ITEM.fullmatch(name):
            raise QuarantineError(f"{name!r} is not the name of a quarantined message")
        path = self._directory / name
        try:
            envelope = json.loads((path / _ENVELOPE).read_bytes())
            return Item(name, envelope, (path / _MESSAGE).read_bytes())
        except (OSError, ValueError) as error:
            raise QuarantineError(f"{name}: {error}") from error


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
