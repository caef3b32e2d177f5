"""What a rename needs to survive a crash."""

import os
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Put the names in `directory` on disk (fsync(2)); blocks. Raises `OSError`."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
