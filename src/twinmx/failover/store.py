"""The state on disk: written beside the old one and renamed, so that a crash leaves one or the other."""

import os
from pathlib import Path

import structlog
from pydantic import ValidationError

from twinmx.durable import sync_directory
from twinmx.failover.policy import Policy, promise_seconds
from twinmx.failover.state import State, after_reboot, unknown_past
from twinmx.program.settings import Table


class _File(Table):
    boot: str
    state: State


class Store:
    """The file in `directory`; `boot` names the boot that this is."""

    def __init__(self, directory: Path, boot: str) -> None:
        self._path = directory / "state.json"
        self._boot = boot

    def load(self, policy: Policy, now: float) -> State:
        """Return what was remembered, as it holds now.

        Where there is nothing, or what is there cannot be read (it is kept aside, and said), the host is
        taken for active, with whatever it may have promised. Raises `OSError` where the disk says no.
        """
        bound = promise_seconds(policy.lease_seconds)
        try:
            found = _File.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return unknown_past(policy.peers, now, bound, acted=False)
        except ValidationError as error:
            aside = self._path.with_suffix(".damaged")
            self._path.replace(aside)
            structlog.get_logger().error(
                "state damaged", file=str(self._path), kept=str(aside), detail=error.errors()[0]["msg"]
            )
            return unknown_past(policy.peers, now, bound, acted=True)
        return found.state if found.boot == self._boot else after_reboot(found.state, now)

    def save(self, state: State) -> None:
        """Put `state` on disk; it is there when this returns. Blocks; raises `OSError`."""
        candidate = self._path.with_suffix(".new")
        with candidate.open("wb") as file:
            file.write(_File(boot=self._boot, state=state).model_dump_json().encode())
            file.flush()
            os.fsync(file.fileno())
        candidate.replace(self._path)
        sync_directory(self._path.parent)
