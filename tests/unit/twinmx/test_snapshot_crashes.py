"""The snapshot is whole after every crash, and while several read and write it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.twinmx.both_views import ADDRESSES, HELLO, MOVED, NEW, OFF, PAIR, view
from tests.unit.twinmx.conftest import ALIASES
from twinmx.aliases import snapshot, update
from twinmx.aliases.model import Alias, Change
from twinmx.aliases.overrides import overrides_of, read_overrides, write_overrides
from twinmx.aliases.snapshot import Snapshot
from twinmx.aliases.table import Table, candidate
from twinmx.aliases.update import apply_changes, build_snapshot, override_alias


def test_an_override_on_disabled_mailboxes_that_a_crash_kept_from_the_file_goes_with_the_next_change(
    snapshot_path: Path,
) -> None:
    closed = Alias(OFF.address, OFF.mailboxes, None, False, OFF.mailboxes)
    apply_changes(snapshot_path, [Change(OFF.address, closed)], marker="2")
    override_alias(snapshot_path, OFF.address, enabled=True)
    overrides_of(snapshot_path).unlink()
    apply_changes(snapshot_path, [], marker="3")
    assert view(snapshot_path)[OFF.address] == ("550 5.1.1 this alias is disabled", closed)


def test_an_override_that_a_crash_kept_from_the_delta_comes_with_the_next_change(snapshot_path: Path) -> None:
    kept = overrides_of(snapshot_path)
    override_alias(snapshot_path, HELLO.address, enabled=False)
    content = read_overrides(kept)
    write_overrides(kept, {PAIR.address: content[HELLO.address]})
    apply_changes(snapshot_path, [], marker="2")
    seen = view(snapshot_path)
    assert seen[HELLO.address] == ("OK", HELLO)
    assert seen[PAIR.address][0] == "550 5.1.1 this alias is disabled"


def test_a_reader_that_opens_one_file_before_a_rebuild_and_one_after_it(
    snapshot_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_changes(snapshot_path, [Change(HELLO.address, MOVED), Change(NEW.address, NEW)], marker="2")
    opened: list[Path] = []

    def opening(path: Path) -> Table:
        table = Table(path)
        if not opened:
            build_snapshot([MOVED, NEW, PAIR], snapshot_path, marker="3")
        opened.append(path)
        return table

    monkeypatch.setattr(snapshot, "Table", opening)
    with Snapshot(snapshot_path) as reader:
        assert reader.lookup(NEW.address) == NEW
        assert reader.lookup(HELLO.address) == MOVED
    assert len(opened) == 4, "the second lookup sees that the delta is another one by now"


def test_writers_of_several_processes_take_turns(snapshot_path: Path) -> None:
    """Changes, overrides and folds at the same time: none undoes another's."""
    aliases = [Alias(f"n{number:02}@alias.example", ("n@mailbox.example",)) for number in range(40)]
    children = []
    for part in range(4):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                update._FOLD_AT = 5
                for alias in aliases[part::4]:
                    apply_changes(snapshot_path, [Change(alias.address, alias)], marker="2")
                    override_alias(snapshot_path, alias.address, enabled=False)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    with Snapshot(snapshot_path) as reader:
        stored = [reader.stored(alias.address) for alias in aliases]
        assert all(one and not one.alias.enabled and one.enabled_at_source for one in stored)
        assert reader.meta().count == len(ALIASES) + 40
    assert len(read_overrides(overrides_of(snapshot_path))) == 40


def test_what_a_killed_build_left_is_removed_and_what_a_running_one_has_is_not(snapshot_path: Path) -> None:
    left = snapshot_path.with_name(".aliases.killed.lmdb")
    left.write_bytes(b"half")
    with candidate(snapshot_path) as running:
        build_snapshot(ALIASES, snapshot_path)
        assert running.exists()
    assert not left.exists()
    assert not running.exists()


def crash(write: Callable[[], object], renames: int) -> bool:
    """Do `write` in a process that dies like kill -9 after so many renames; False where it ended before."""
    child = os.fork()
    if child == 0:
        status = 0
        try:
            done = 0
            rename = Path.replace

            def dying(self: Path, target: Path) -> Path:
                nonlocal done
                if done == renames:
                    os._exit(9)
                done += 1
                return rename(self, target)

            Path.replace = dying  # type: ignore[method-assign, assignment]
            write()
        except BaseException:
            status = 1
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in {0, 9}
    return status == 9


def rebuild(target: Path) -> None:
    build_snapshot([MOVED, NEW], target, marker="new")


def change(target: Path) -> None:
    apply_changes(target, [Change(HELLO.address, MOVED), Change(PAIR.address, None)], marker="new")


def override(target: Path) -> None:
    override_alias(target, HELLO.address, enabled=True)
    override_alias(target, PAIR.address, enabled=True)


@pytest.mark.parametrize("write", [rebuild, change, override])
@pytest.mark.parametrize("fold_at", [0, 100], ids=["fold", "delta"])
def test_after_a_crash_between_any_two_steps_every_answer_is_an_old_or_a_new_one(
    tmp_path: Path, write: Callable[[Path], None], fold_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(directory: Path) -> Path:
        directory.mkdir()
        target = directory / "aliases.lmdb"
        build_snapshot(ALIASES, target, marker="old")
        changes = [Change(OFF.address, None), Change(NEW.address, NEW), Change(PAIR.address, PAIR)]
        apply_changes(target, changes, marker="old")
        override_alias(target, HELLO.address, enabled=False)
        return target

    finished = begin(tmp_path / "finished")
    old = view(finished)
    monkeypatch.setattr(update, "_FOLD_AT", fold_at)
    write(finished)
    new = view(finished)
    steps = 0
    for steps in range(20):
        target = begin(tmp_path / str(steps))
        with Snapshot(target) as running:
            running.lookup(HELLO.address)
            died = crash(lambda: write(target), steps)  # noqa: B023 (called at once)
            for seen in (view(target, running), view(target)):
                assert all(seen[address] in (old[address], new[address]) for address in ADDRESSES)
            if running.meta().marker == "new":
                assert view(target) == new, "who goes on from the new marker has missed something"
            write(target)
            assert view(target, running) == new
        files = {path.name for path in target.parent.iterdir()}
        assert files <= {"aliases.lmdb", "aliases-changes.lmdb", "overrides.json"}
        if not died:
            break
    assert steps >= 1
