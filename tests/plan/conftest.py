"""An exchange of its own for each test."""

from pathlib import Path

import pytest

from tests.plan.planning import Planner


@pytest.fixture
def planner(tmp_path: Path) -> Planner:
    return Planner.in_folder(tmp_path)
