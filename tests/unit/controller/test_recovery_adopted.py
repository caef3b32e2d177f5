"""Adopting the queues on a broken host's disk, each message once."""

from pathlib import Path

import pytest

from controller.errors import ControllerError
from controller.recovery import adopted
from tests.unit.controller.recovery_world import FakeRemote
from tests.unit.twinmx.recovering import Host, message, program


def broken(tmp_path: Path) -> Host:
    disk = Host.make(tmp_path / "disk")
    disk.put("in", "deferred/1/1A2B3C4D", message(1))
    disk.put("out", "deferred/1/1A2B3C4E", message(2))
    disk.put("out", "incoming/1A2B3C4F", message(3), mode=0o600)
    (disk.places.delivered / ("0" * 64)).touch()
    return disk


@pytest.mark.parametrize("there", [False, True])
def test_a_broken_host_s_disk_is_adopted_once(
    remotes: dict[str, FakeRemote], tmp_path: Path, there: bool
) -> None:
    disk, mx2 = broken(tmp_path), remotes["mx2"]

    first = adopted.adopt(mx2, str(disk.root), there=there)
    second = adopted.adopt(mx2, str(disk.root), there=there)

    assert [first.count(state) for state in ("adopted", "known", "left")] == [2, 0, 1]
    assert [second.count(state) for state in ("adopted", "known", "left")] == [0, 2, 1]
    assert first.lines() == [
        ("in", "deferred", [1, 1, 0, 0]),
        ("out", "incoming", [1, 0, 0, 1]),
        ("out", "deferred", [1, 1, 0, 0]),
    ]
    assert list(mx2.host.queued("in").values()) == [message(1)]
    assert list(mx2.host.queued("out").values()) == [message(2)]
    assert [path.name for path in mx2.host.places.delivered.iterdir()] == ["0" * 64]


@pytest.mark.parametrize("there", [False, True])
def test_a_host_that_died_in_its_evacuation_loses_nothing(
    remotes: dict[str, FakeRemote], tmp_path: Path, there: bool
) -> None:
    disk = Host.make(tmp_path / "disk")
    disk.put("out", "deferred/1/1A2B3C4D", message(1))
    assert program(disk, ["take"])[0] == 0

    assert adopted.adopt(remotes["mx2"], str(disk.root), there=there).count("adopted") == 1


def test_a_directory_without_a_queue_is_refused(remotes: dict[str, FakeRemote], tmp_path: Path) -> None:
    with pytest.raises(ControllerError, match="there is no queue directory in it"):
        adopted.adopt(remotes["mx2"], str(tmp_path))
    with pytest.raises(ControllerError, match=r"mx2: .*there is no queue directory"):
        adopted.adopt(remotes["mx2"], str(tmp_path), there=True)


def test_a_disk_that_the_operator_may_not_read_is_named(
    remotes: dict[str, FakeRemote], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", refused)

    with pytest.raises(ControllerError, match=f"{tmp_path}.*: Permission denied"):
        adopted.adopt(remotes["mx2"], str(tmp_path))
