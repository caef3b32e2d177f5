"""The state on disk: written beside the old one and renamed, so that a crash leaves one or the other.

A disk that is full, read-only or broken is just what a host must be able to drain for. The state then goes to
a directory in /run instead, and back to the disk as soon as that takes it. Nothing is forgotten that matters:

- A crash of the agent leaves both files; each says when it was saved, and the newer one counts. Where one of
  them cannot be read it may have been the newer one, and the past is as good as unknown.
- A reboot loses what was in /run alone. Port 25 is open then, and a demotion that nobody remembers is taken
  back by whom it concerns (`machine`). What must not be lost is a promise: so each boot begins as if one had
  just been made to every peer, and something done (`state.after_reboot`). A hold that was in /run is lost.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

import structlog
from pydantic import ValidationError

from twinmx.durable import sync_directory
from twinmx.failover import clock
from twinmx.failover.policy import Policy, promise_seconds
from twinmx.failover.state import Moment, State, after_reboot, unknown_past
from twinmx.program.settings import Table

_SICK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
"""What a disk says that is not well, rather than a directory that was set up wrongly."""


class _File(Table):
    """saved: when, by CLOCK_BOOTTIME of `boot`."""

    boot: str
    saved: Moment = 0.0
    state: State


class Store:
    """The file in `directory`, and the one in `fallback`, which no boot survives.

    `boot` names the boot that this is. fault: why the state could not be put into `directory`; None once it
    is there.
    """

    def __init__(self, directory: Path, fallback: Path, boot: str) -> None:
        self._path = directory / "state.json"
        self._fallback = fallback / "failover-state.json"
        self._boot = boot
        self.fault: str | None = None

    def load(self, policy: Policy, now: float) -> State:
        """Return what was remembered, as it holds now.

        Where there is nothing, or what is there cannot be read (it is kept aside, and said), the host is
        taken for active, with whatever it may have promised. Raises `OSError` where it may not read.
        """
        bound = promise_seconds(policy.lease_seconds)
        found: list[_File] = []
        damaged = False
        for path in (self._path, self._fallback):
            try:
                found.append(_File.model_validate_json(path.read_bytes()))
            except FileNotFoundError:
                continue
            except (ValidationError, OSError) as error:
                _put_aside(path, error)
                damaged = True
        if damaged or not found:
            return unknown_past(policy.peers, now, bound, acted=damaged)
        newest = max(found, key=lambda file: (file.boot == self._boot, file.saved))
        if newest.boot == self._boot:
            return newest.state
        return after_reboot(newest.state, now, policy.peers, bound)

    def save(self, state: State) -> None:
        """Keep `state`: on disk, or in /run where the disk is sick (`fault` says so).

        It is there when this returns. Blocks; raises `OSError` where neither takes it.
        """
        content = _File(boot=self._boot, saved=clock.now(), state=state).model_dump_json().encode()
        try:
            _write(self._path, content)
        except OSError as error:
            self._say(str(error))
            if error.errno not in _SICK:
                raise
            _write(self._fallback, content)
        else:
            self._say(None)
            with suppress(OSError):  # it is the older one
                self._fallback.unlink()

    def _say(self, fault: str | None) -> None:
        if fault and not self.fault:
            structlog.get_logger().error("state not on disk", detail=fault)
        self.fault = fault


def _write(path: Path, content: bytes) -> None:
    candidate = path.with_suffix(".new")
    with candidate.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    candidate.replace(path)
    sync_directory(path.parent)


def _put_aside(path: Path, error: ValidationError | OSError) -> None:
    """Keep what makes no sense for people to look at; raises `OSError` for what only may not be read."""
    if isinstance(error, OSError) and error.errno not in _SICK:
        raise error
    detail = str(error) if isinstance(error, OSError) else error.errors()[0]["msg"]
    aside = path.with_suffix(".damaged")
    try:
        path.replace(aside)
    except OSError as failed:
        detail += f"; it cannot be put aside: {failed.strerror}"
    structlog.get_logger().error("state damaged", file=str(path), kept=str(aside), detail=detail)
