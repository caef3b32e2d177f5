"""Changes and overrides: seen at once, by Postfix and the forwarder alike, and whole after every crash."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.twinmx import postfix_view
from tests.unit.twinmx.conftest import ALIASES
from twinmx.aliases import snapshot, update
from twinmx.aliases.model import Alias, Change
from twinmx.aliases.overrides import OverridesError, overrides_of, read_overrides, write_overrides
from twinmx.aliases.snapshot import Snapshot, SnapshotError, delta_of
from twinmx.aliases.table import Table, candidate
from twinmx.aliases.update import NoSuchAlias, apply_changes, build_snapshot, override_alias

HELLO, OFF, PAIR = ALIASES
NEW = Alias("new@alias.example", ("new@mailbox.example",))
MOVED = Alias(HELLO.address, ("moved@mailbox.example",), "ada")
ADDRESSES = [HELLO.address, OFF.address, PAIR.address, NEW.address, "nobody@alias.example"]

View = dict[str, tuple[str, Alias | None]]


def view(target: Path, reader: Snapshot | None = None) -> View:
    """Each address as Postfix answers it and as the forwarder knows it; they must agree."""
    with postfix_view.tables(target) as found, Snapshot(target) as fresh:
        seen = {
            address: (postfix_view.answer(found, address), (reader or fresh).lookup(address))
            for address in ADDRESSES
        }
    for said, known in seen.values():
        expected = postfix_view.UNKNOWN if known is None else "OK" if known.enabled else None
        assert said == (expected or "550 5.1.1 this alias is disabled")
    return seen


def delta_size(target: Path) -> int:
    with postfix_view.tables(target) as found:
        return len(found[0]) - 1


def test_changes_are_seen_at_once_and_together(snapshot_path: Path) -> None:
    with Snapshot(snapshot_path) as reader:
        reader.lookup(HELLO.address)
        changes = [Change(HELLO.address, MOVED), Change(PAIR.address, None), Change(NEW.address, NEW)]
        meta = apply_changes(snapshot_path, changes, marker="2")
        seen = view(snapshot_path, reader)
        assert reader.meta() == meta
    assert seen[HELLO.address] == ("OK", MOVED)
    assert seen[PAIR.address] == (postfix_view.UNKNOWN, None)
    assert seen[NEW.address] == ("OK", NEW)
    assert (meta.count, meta.marker) == (3, "2")


def test_no_changes_note_the_marker(snapshot_path: Path) -> None:
    before = view(snapshot_path)
    assert apply_changes(snapshot_path, [], marker="3").marker == "3"
    assert view(snapshot_path) == before


def test_what_is_again_as_it_was_takes_no_room(snapshot_path: Path) -> None:
    before = view(snapshot_path)
    apply_changes(snapshot_path, [Change(HELLO.address, None), Change(NEW.address, NEW)], marker="2")
    meta = apply_changes(snapshot_path, [Change(HELLO.address, HELLO), Change(NEW.address, None)], marker="3")
    assert view(snapshot_path) == before
    assert delta_size(snapshot_path) == 0
    assert meta.count == 3


def test_many_changes_are_folded_into_the_base(snapshot_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update, "_FOLD_AT", 2)
    override_alias(snapshot_path, PAIR.address, enabled=False)
    base = snapshot_path.stat().st_ino
    apply_changes(snapshot_path, [Change(HELLO.address, None), Change(NEW.address, NEW)], marker="2")
    assert snapshot_path.stat().st_ino == base
    before = view(snapshot_path)
    meta = apply_changes(snapshot_path, [Change(OFF.address, None)], marker="3")
    assert snapshot_path.stat().st_ino != base
    assert delta_size(snapshot_path) == 1, "the override"
    assert view(snapshot_path) == before | {OFF.address: (postfix_view.UNKNOWN, None)}
    assert (meta.count, meta.marker) == (2, "3")
    assert override_alias(snapshot_path, PAIR.address, enabled=True) is None, "as its source says"
    assert view(snapshot_path)[PAIR.address] == ("OK", PAIR)


def test_an_override_outlives_changes_and_rebuilds_until_it_is_taken_back(snapshot_path: Path) -> None:
    made = override_alias(snapshot_path, "Hello@alias.example", enabled=False, reason="abused")
    assert made is not None
    assert (made.enabled, made.reason) == (False, "abused")
    again: list[Callable[[], object]] = [
        lambda: apply_changes(snapshot_path, [Change(HELLO.address, MOVED)], marker="2"),
        lambda: build_snapshot([MOVED, OFF], snapshot_path, marker="3"),
        lambda: apply_changes(snapshot_path, [Change(HELLO.address, None)], marker="4"),
        lambda: apply_changes(snapshot_path, [Change(HELLO.address, MOVED)], marker="5"),
    ]
    with Snapshot(snapshot_path) as reader:
        for write in again:
            write()
            stored = reader.stored(HELLO.address)
            assert stored is None or (stored.alias.enabled, stored.enabled_at_source) == (False, True)
        assert stored is not None
        assert stored.at_source() == MOVED
        assert override_alias(snapshot_path, HELLO.address, enabled=True) is None
        assert reader.lookup(HELLO.address) == MOVED
    assert view(snapshot_path)[HELLO.address] == ("OK", MOVED)


def test_the_last_word_holds_and_is_kept_only_against_the_source(snapshot_path: Path) -> None:
    kept = overrides_of(snapshot_path)
    for enabled in (True, False, True, True):
        override = override_alias(snapshot_path, OFF.address, enabled=enabled)
        assert view(snapshot_path)[OFF.address][0] == (
            "OK" if enabled else "550 5.1.1 this alias is disabled"
        )
        assert (override is not None) is enabled, "its source has it disabled"
        assert list(read_overrides(kept)) == [OFF.address] * enabled
    assert override_alias(snapshot_path, OFF.address, enabled=None) is None
    assert view(snapshot_path)[OFF.address] == ("550 5.1.1 this alias is disabled", OFF)


def test_an_override_makes_no_mailbox_take_mail(snapshot_path: Path) -> None:
    closed = Alias(OFF.address, OFF.mailboxes, None, False, OFF.mailboxes)
    apply_changes(snapshot_path, [Change(OFF.address, closed)], marker="2")
    for enabled, answer in (
        (True, "550 5.2.1 the mailbox behind this alias is disabled"),
        (False, "550 5.1.1 this alias is disabled"),
        (True, "550 5.2.1 the mailbox behind this alias is disabled"),
        (None, "550 5.1.1 this alias is disabled"),
    ):
        override_alias(snapshot_path, OFF.address, enabled=enabled)
        with postfix_view.tables(snapshot_path) as found:
            assert postfix_view.answer(found, OFF.address) == answer
        assert list(read_overrides(overrides_of(snapshot_path))) == [OFF.address] * bool(enabled)


def test_an_override_on_disabled_mailboxes_that_a_crash_kept_from_the_file_goes_with_the_next_change(
    snapshot_path: Path,
) -> None:
    closed = Alias(OFF.address, OFF.mailboxes, None, False, OFF.mailboxes)
    apply_changes(snapshot_path, [Change(OFF.address, closed)], marker="2")
    override_alias(snapshot_path, OFF.address, enabled=True)
    overrides_of(snapshot_path).unlink()
    apply_changes(snapshot_path, [], marker="3")
    assert view(snapshot_path)[OFF.address] == ("550 5.1.1 this alias is disabled", closed)


def test_only_what_exists_can_be_overridden(snapshot_path: Path) -> None:
    for address in ("nobody@alias.example", "", "\nmeta"):
        with pytest.raises(NoSuchAlias):
            override_alias(snapshot_path, address, enabled=False)
    override_alias(snapshot_path, HELLO.address, enabled=False)
    apply_changes(snapshot_path, [Change(HELLO.address, None)], marker="2")
    assert override_alias(snapshot_path, HELLO.address, enabled=True) is None, "one of an alias that has gone"
    assert read_overrides(overrides_of(snapshot_path)) == {}


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


@pytest.mark.parametrize(
    "content", ["", "[]", '{"overrides": {"a@b.example": {"enabled": "no", "since": 1}}}']
)
def test_damaged_overrides_are_never_skipped(snapshot_path: Path, content: str) -> None:
    overrides_of(snapshot_path).write_text(content)
    before = view(snapshot_path)
    for write in (
        lambda: build_snapshot([HELLO], snapshot_path),
        lambda: apply_changes(snapshot_path, [Change(HELLO.address, None)], marker="2"),
        lambda: override_alias(snapshot_path, HELLO.address, enabled=False),
    ):
        with pytest.raises(OverridesError, match=r"overrides\.json: "):
            write()
    assert view(snapshot_path) == before


def test_without_a_sound_snapshot_there_is_nothing_to_change(snapshot_path: Path) -> None:
    delta_of(snapshot_path).write_bytes(b"junk" * 4096)
    with pytest.raises(SnapshotError):
        apply_changes(snapshot_path, [], marker="2")
    build_snapshot(ALIASES, snapshot_path, marker="3")
    assert view(snapshot_path)[HELLO.address] == ("OK", HELLO)


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
