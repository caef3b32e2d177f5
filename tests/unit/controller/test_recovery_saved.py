"""Backup and restore: one file that is whole, and what stops it."""

import sys
from pathlib import Path

import pytest

from controller import remote as controller_remote
from controller.errors import ControllerError
from controller.recovery import onhost, saved
from controller.recovery.onhost import OnHost
from controller.remote import Remote
from tests.unit.controller.recovery_world import FakeRemote, put_spam, quarantined
from tests.unit.twinmx.recovering import Host
from twinmx.recovery.archive import check


def test_a_backup_is_one_private_file_that_a_restore_puts_back(
    remotes: dict[str, FakeRemote], tmp_path: Path
) -> None:
    name, file = put_spam(remotes["mx1"]), tmp_path / "mx1.tar"

    saved.backup(remotes["mx1"], file)

    assert file.stat().st_mode & 0o777 == 0o600
    assert check(file, "mx1").count("quarantine") == 1
    for path in (remotes["mx1"].host.places.quarantine / name).iterdir():
        path.unlink()
    (remotes["mx1"].host.places.quarantine / name).rmdir()
    for _ in range(2):
        saved.restore(remotes["mx1"], file)
        assert quarantined(remotes["mx1"]) == {name}


def test_a_backup_that_breaks_off_leaves_the_older_one(
    remotes: dict[str, FakeRemote], tmp_path: Path
) -> None:
    file = tmp_path / "mx1.tar"
    saved.backup(remotes["mx1"], file)
    older = file.read_bytes()
    remotes["mx1"].host.places.overrides.write_text("{damaged")

    with pytest.raises(ControllerError, match=r"mx1: .*overrides\.json"):
        saved.backup(remotes["mx1"], file)

    assert file.read_bytes() == older
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_foreign_or_damaged_backup_is_refused_before_the_host_is_asked(
    remotes: dict[str, FakeRemote], tmp_path: Path
) -> None:
    put_spam(remotes["mx1"])
    file = tmp_path / "mx1.tar"
    saved.backup(remotes["mx1"], file)

    with pytest.raises(ControllerError, match=r"is a backup of mx1, not of mx2. Nothing was touched"):
        saved.restore(remotes["mx2"], file)
    file.write_bytes(file.read_bytes()[:700])
    with pytest.raises(ControllerError, match="Nothing was touched"):
        saved.restore(remotes["mx1"], file)
    with pytest.raises(ControllerError, match="No such file"):
        saved.restore(remotes["mx1"], tmp_path / "none.tar")
    assert quarantined(remotes["mx2"]) == set()


def test_over_a_connection_a_file_comes_whole_and_an_error_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with processes, as over ssh."""
    host, file = Host.make(tmp_path / "mx1"), tmp_path / "mx1.tar"
    words = (sys.executable, "-m", "tests.unit.twinmx.recovering", "--root", str(host.root))
    monkeypatch.setattr(onhost, "PROGRAM", words)
    monkeypatch.setattr(onhost, "ssh", lambda _, command: ["sh", "-c", command])
    remote = Remote("mx1", {})

    saved.backup(remote, file)

    assert check(file, "mx1").host == "mx1"
    with file.open("rb") as source, pytest.raises(ControllerError, match=r"mx1: .*is a backup of mx1, not"):
        OnHost(remote).take(["restore", "mx9"], source)


def test_a_host_with_an_older_release_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    says = "echo 'python: No module named twinmx.recovery' >&2; exit 1"
    for module in (onhost, controller_remote):
        monkeypatch.setattr(module, "ssh", lambda *_: ["sh", "-c", says])
    remote = Remote("mx1", {})

    for asking in (lambda: OnHost(remote).ask("take"), lambda: saved.backup(remote, tmp_path / "mx1.tar")):
        with pytest.raises(ControllerError, match="its release knows no such thing: twinmx converge"):
            asking()
