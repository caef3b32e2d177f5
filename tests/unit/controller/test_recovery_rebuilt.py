"""Rebuilding a host that was lost: the converge first, then its backup."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from controller.errors import ControllerError
from controller.lock import Lock
from controller.recovery import rebuilt, saved
from controller.remote import Remote
from controller.rolling import run as rolling
from controller.rolling.run import Options
from tests.unit.controller.recovery_world import FakeRemote, put_spam, quarantined
from tests.unit.controller.rolling_world import World
from tests.unit.roles.exchanges import exchange
from tests.unit.twinmx.recovering import Host


def test_a_rebuilt_host_is_converged_and_then_gets_its_backup(
    remotes: dict[str, FakeRemote], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, file = put_spam(remotes["mx1"]), tmp_path / "mx1.tar"
    saved.backup(remotes["mx1"], file)
    bare = FakeRemote("mx1", {}, host=Host.make(tmp_path / "bare"))
    remotes["mx1"] = bare
    world = World(exchange())
    world.remotes = dict(remotes)
    seen: list[set[str]] = []
    monkeypatch.setattr(rolling, "converge", lambda *_: seen.append(quarantined(bare)))

    locked: list[str] = []

    def lock(hosts: Sequence[Remote]) -> Lock:
        locked.extend(host.name for host in hosts)
        return Lock([])

    monkeypatch.setattr(saved, "Lock", lock)
    rebuilt.rebuild(world, "mx1", file, Options())

    assert locked == ["mx1"], "nobody else changes it meanwhile"
    assert seen == [set()], "first it is an exchanger again"
    assert quarantined(bare) == {name}


def test_a_wrong_backup_stops_a_rebuild_before_it_begins(
    remotes: dict[str, FakeRemote], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mx1.tar"
    saved.backup(remotes["mx1"], file)
    world = World(exchange())
    world.remotes = dict(remotes)
    monkeypatch.setattr(rolling, "converge", lambda *_: pytest.fail("it was converged"))

    with pytest.raises(ControllerError, match="not of mx2"):
        rebuilt.rebuild(world, "mx2", file, Options())
    with pytest.raises(ControllerError, match="mx9: no such exchanger; allowed: mx1, mx2"):
        rebuilt.rebuild(world, "mx9", None, Options())
