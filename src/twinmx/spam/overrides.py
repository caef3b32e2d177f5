"""What an operator has ordered about engines, for all workers of a host and for a time.

A small JSON file, replaced atomically, looked at (stat(2)) for each message: so an order holds from the
next message on, needs no restart, outlives one, and ends by itself.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import structlog
from pydantic import Field, ValidationError

from twinmx.durable import sync_directory
from twinmx.program.settings import Table

DEFAULT_PATH = Path("/var/lib/twinmx/overrides/engines.json")


class Override(Table):
    """An order about one engine: not to ask it, or to ask it first. Times in seconds since 1970."""

    act: Literal["skip", "use"]
    since: float = Field(ge=0, allow_inf_nan=False)
    until: float = Field(ge=0, allow_inf_nan=False)
    by: str = ""
    reason: str = ""


class _File(Table):
    engines: dict[str, Override]


Orders = Mapping[str, Override]


class OverridesError(Exception):
    """The file is damaged or cannot be read."""


def read(path: Path) -> dict[str, Override]:
    """Return all orders, expired ones as well, none where there is no file; raises `OverridesError`."""
    try:
        return _File.model_validate_json(path.read_bytes()).engines
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OverridesError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OverridesError(f"{path}: {where + ': ' if where else ''}{first['msg']}") from error


def in_force(orders: Orders, now: float) -> dict[str, Override]:
    """Return the orders that have not expired at `now`."""
    return {name: order for name, order in orders.items() if now < order.until}


def change(path: Path, edit: Callable[[dict[str, Override]], None]) -> dict[str, Override]:
    """Have `edit` change the orders in force and put them on disk; returns them.

    One change at a time on a host. A damaged file is replaced. Raises `OSError`, and what `edit` raises.
    """
    with _locked(path.parent):
        try:
            orders = in_force(read(path), time.time())
        except OverridesError:
            orders = {}
        edit(orders)
        _write(path, _File(engines=orders))
    return orders


class Watched:
    """The orders in force as a worker sees them; `damaged` is told whether the file is, at each change."""

    def __init__(self, path: Path, damaged: Callable[[bool], None]) -> None:
        self._path = os.fspath(path)
        self._damaged = damaged
        self._seen: object = None
        self._orders: dict[str, Override] = {}

    def current(self) -> Orders:
        """Return the orders in force now; none while the file is damaged."""
        try:
            stat = os.stat(self._path)  # noqa: PTH116 - for each message: a third of the time of Path.stat
            seen: object = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        except FileNotFoundError:
            seen = None
        except OSError as error:
            seen = error.errno
        if seen != self._seen:
            self._load()
            self._seen = seen
        return in_force(self._orders, time.time()) if self._orders else self._orders

    def _load(self) -> None:
        try:
            self._orders = read(Path(self._path))
        except OverridesError as error:
            self._orders = {}
            structlog.get_logger().error("overrides ignored", detail=str(error))
            self._damaged(True)
        else:
            structlog.get_logger().info("overrides", engines=sorted(self._orders))
            self._damaged(False)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: Path, content: _File) -> None:
    """Replace the file as a whole; the workers run as another user and read it."""
    candidate = path.with_name(f".{path.name}.new")
    text = json.dumps(content.model_dump(), indent=1)
    handle = os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with os.fdopen(handle, "w") as file:
        os.fchmod(handle, 0o644)  # whatever the umask of an operator's shell is
        file.write(f"{text}\n")
        file.flush()
        os.fsync(handle)
    candidate.replace(path)
    sync_directory(path.parent)
