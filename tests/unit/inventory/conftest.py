"""The good exchange that the tests of this folder spoil."""

from pathlib import Path

import pytest

from tests.unit.inventory.files import Files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files.write(tmp_path)
