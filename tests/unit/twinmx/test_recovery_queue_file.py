"""A queue file whose headers a milter has changed: it is read as Postfix reads it, along its pointers."""

from pathlib import Path

import pytest

from tests.unit.twinmx.recovering import QUEUE_FILES
from twinmx.recovery.queue_file import DamagedError, identity

SEALED = (QUEUE_FILES / "sealed.bin").read_bytes()
"""Of Postfix 3.10.13: cleanup(8) has put a seal before the Received field, at the file's end, by pointers."""

POINTER = 17  # bytes: type, length and 15 digits


def changed(directory: Path, at: int) -> Path:
    """The same file but for one byte."""
    file = directory / f"changed-{at}"
    file.write_bytes(SEALED[:at] + bytes([SEALED[at] ^ 1]) + SEALED[at + 1 :])
    return file


def test_what_is_read_is_what_the_pointers_lead_to(tmp_path: Path) -> None:
    sealed = identity(QUEUE_FILES / "sealed.bin")
    left_behind = SEALED.index(b"p\x0f%15d" % 6892) + POINTER + 3
    of_the_seal = SEALED.index(b"rsa-sha256;N\t\tcv=none") + 1

    assert identity(changed(tmp_path, left_behind)) == sealed
    assert identity(changed(tmp_path, of_the_seal)) != sealed


def test_pointers_in_a_circle_are_damage(tmp_path: Path) -> None:
    start = SEALED.index(b"p\x0f%15d" % 6892)
    (tmp_path / "circle").write_bytes(SEALED.replace(b"%15d" % 6892, b"%15d" % start))

    with pytest.raises(DamagedError, match="circle"):
        identity(tmp_path / "circle")


def test_a_pointer_behind_the_end_is_damage(tmp_path: Path) -> None:
    (tmp_path / "behind").write_bytes(SEALED.replace(b"%15d" % 6892, b"%15d" % 9_999_999))

    with pytest.raises(DamagedError, match="end is missing"):
        identity(tmp_path / "behind")
