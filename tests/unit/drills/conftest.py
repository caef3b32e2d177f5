"""The fake lab of the tests of a drill's course."""

from pathlib import Path

import pytest

from tests.unit.drills.coursing import World, installed


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    return installed(monkeypatch, tmp_path)
