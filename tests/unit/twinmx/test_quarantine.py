"""The quarantine: whole items, in order, or none."""

import stat
from pathlib import Path

import pytest

from twinmx.quarantine import Quarantine, QuarantineError


def test_an_item_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    message = b"Subject: \xff\r\n\r\nno newline, \0"
    name = quarantine.store(message, {"sender": "dörte@sender.example"}, "4bXyZ")
    item = quarantine.read(name)
    assert (item.message, item.envelope) == (message, {"sender": "dörte@sender.example"})
    assert "-4bXyZ-" in name
    assert quarantine.names() == [name]


def test_strangers_cannot_read_it(tmp_path: Path) -> None:
    name = Quarantine(tmp_path).store(b"x", {}, "none")
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / name).iterdir()} == {0o600}


def test_an_unfinished_item_is_not_one(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    with pytest.raises(TypeError):
        quarantine.store(b"x", {"bad": object()}, "none")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".20260101T000000Z-none-00000000").mkdir()
    assert quarantine.names() == []


def test_a_queue_id_cannot_leave_the_directory(tmp_path: Path) -> None:
    directory = tmp_path / "quarantine"
    directory.mkdir()
    name = Quarantine(directory).store(b"x", {}, "../../evil")
    assert (directory / name).is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["quarantine"]


@pytest.mark.parametrize("name", ["", "..", "../x", "20260101T000000Z-none-00000000"])
def test_what_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(QuarantineError):
        Quarantine(tmp_path).read(name)


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Quarantine(tmp_path / "gone").store(b"x", {}, "none")
