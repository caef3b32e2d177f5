"""Changes and overrides: seen at once, by Postfix and the forwarder alike."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.twinmx import postfix_view
from tests.unit.twinmx.both_views import HELLO, MOVED, NEW, OFF, PAIR, view
from tests.unit.twinmx.conftest import ALIASES
from twinmx.aliases import update
from twinmx.aliases.model import Alias, Change
from twinmx.aliases.overrides import OverridesError, overrides_of, read_overrides
from twinmx.aliases.snapshot import Snapshot, SnapshotError, delta_of
from twinmx.aliases.update import NoSuchAlias, apply_changes, build_snapshot, override_alias


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


def test_only_what_exists_can_be_overridden(snapshot_path: Path) -> None:
    for address in ("nobody@alias.example", "", "\nmeta"):
        with pytest.raises(NoSuchAlias):
            override_alias(snapshot_path, address, enabled=False)
    override_alias(snapshot_path, HELLO.address, enabled=False)
    apply_changes(snapshot_path, [Change(HELLO.address, None)], marker="2")
    assert override_alias(snapshot_path, HELLO.address, enabled=True) is None, "one of an alias that has gone"
    assert read_overrides(overrides_of(snapshot_path)) == {}


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
