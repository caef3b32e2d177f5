"""Exchangers for the tests of recovery and of drills."""

from pathlib import Path

import pytest

from tests.unit.controller.drill_world import Drilled
from tests.unit.controller.recovery_world import FakeRemote, remotes_below


@pytest.fixture
def remotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeRemote]:
    """mx1 and mx2 as directories of this machine."""
    return remotes_below(tmp_path, monkeypatch)


@pytest.fixture
def drilled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drilled:
    """A harmless drill, on exchangers that are no hosts."""
    return Drilled(tmp_path, monkeypatch)
