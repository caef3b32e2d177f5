"""A queue file is known again, whatever Postfix or a milter wrote into it since; a damaged one is none."""

from pathlib import Path

import pytest

from tests.unit.twinmx.recovering import FRESH, PARTLY, QUEUE_FILES, message
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


def test_a_message_is_the_same_after_one_recipient_has_got_it() -> None:
    assert FRESH.read_bytes() != PARTLY.read_bytes()
    assert identity(FRESH) == identity(PARTLY)


def test_a_message_is_the_same_after_its_sender_was_warned(tmp_path: Path) -> None:
    """qmgr(8) strikes the time of the warning (W) out: delay_warning_time."""
    whole = FRESH.read_bytes()
    first = 2 + whole[1]
    for name, kind in (("before", b"W"), ("after", b"K")):
        (tmp_path / name).write_bytes(whole[:first] + kind + b"\x0f" + b"%15d" % 7 + whole[first:])

    assert identity(tmp_path / "before") == identity(tmp_path / "after")


def test_another_message_is_another(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(message(1))
    (tmp_path / "two").write_bytes(message(2))

    assert identity(tmp_path / "one") != identity(tmp_path / "two")


@pytest.mark.parametrize("size", [0, 1, 50, 700, len(FRESH.read_bytes()) - 2])
def test_what_was_cut_off_is_no_message(tmp_path: Path, size: int) -> None:
    (tmp_path / "cut").write_bytes(FRESH.read_bytes()[:size])

    with pytest.raises(DamagedError):
        identity(tmp_path / "cut")
