"""Another host's queue in ours: every message once, none of ours touched, whatever breaks it off."""

import os
import shutil
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.twinmx.recovering import FRESH, PARTLY, Host, message
from twinmx.recovery.adopting import Adopter, AdoptError, Entry, instances_of
from twinmx.recovery.journal import Adopted, Journal, JournalError
from twinmx.recovery.queue_file import DamagedError, identity
from twinmx.recovery.taking import give, take


@pytest.fixture
def ours(tmp_path: Path) -> Host:
    return Host.make(tmp_path / "ours")


@pytest.fixture
def broken(tmp_path: Path) -> Host:
    return Host.make(tmp_path / "broken")


def adopt(ours: Host, broken: Host, instance: str = "in") -> list[Entry]:
    journal = Journal(ours.places.adopted)
    adopter = Adopter(ours.places, instance, ours.instance(instance), journal)
    return adopter.adopt(broken.spool(instance), "mx2")


def states(entries: list[Entry]) -> dict[str, str]:
    return {f"{entry.queue}/{entry.was}": entry.state for entry in entries}


# --- one message is one message -----------------------------------------------------------------------


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


# --- adopted ------------------------------------------------------------------------------------------


def test_all_that_was_accepted_waits_here_under_names_that_fit_our_files(ours: Host, broken: Host) -> None:
    broken.put("in", "incoming/1A2B3C4D", message(1))
    broken.put("in", "active/1A2B3C4E", message(2))
    broken.put("in", "deferred/1/1A2B3C4F", message(3))
    broken.put("in", "hold/1A2B3C50", message(4))

    entries = adopt(ours, broken)

    assert {entry.state for entry in entries} == {"adopted"}
    waiting = ours.queued("in")
    assert sorted(waiting.values()) == [message(number) for number in (1, 2, 3, 4)]
    assert sorted(name.partition("/")[0] for name in waiting) == ["deferred"] * 3 + ["hold"]
    for entry in entries:
        (path,) = ours.spool("in").rglob(entry.became)
        assert entry.became == f"1A2B3{path.stat().st_ino:X}"
        assert path.stat().st_mode & 0o7777 == 0o700


def test_a_message_of_ours_with_the_same_name_stays(ours: Host, broken: Host) -> None:
    ours.put("in", "deferred/1/1A2B3C4D", message(9))
    broken.put("in", "deferred/1/1A2B3C4D", message(1))

    adopt(ours, broken)

    assert sorted(ours.queued("in").values()) == [message(1), message(9)]


def test_what_postfix_still_has_to_tell_the_sender_comes_along(ours: Host, broken: Host) -> None:
    broken.put("in", "deferred/1/1A2B3C4D", message(1))
    broken.put("in", "defer/1/1A2B3C4D", b"why it waits", mode=0o600)
    broken.put("in", "bounce/1A2B3C4D", b"who refused it", mode=0o600)

    (entry,) = adopt(ours, broken)

    waiting = ours.queued("in")
    assert waiting[f"defer/{entry.became}"] == b"why it waits"
    assert waiting[f"bounce/{entry.became}"] == b"who refused it"


def test_the_log_of_an_old_message_never_becomes_that_of_an_adopted_one(
    ours: Host, broken: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken.put("in", "hold/1A2B3C4D", message(1))
    (entry,) = adopt(ours, broken)
    ours.places.adopted.unlink()
    inode = int(entry.became[5:], 16)
    ours.put("in", f"bounce/{entry.became}", b"of somebody else")
    adopter = Adopter(ours.places, "in", ours.instance("in"), Journal(ours.places.adopted))

    assert adopter._free_name(broken.spool("in") / "hold/1A2B3C4D", inode) == f"1A2B4{inode:X}"


def test_what_was_not_accepted_or_is_damaged_is_left_and_named(ours: Host, broken: Host) -> None:
    broken.put("in", "incoming/1A2B3C4D", message(1), mode=0o600)
    broken.put("in", "deferred/1A2B3C4E", message(2)[:500])
    broken.put("in", "maildrop/1A2B3C4F", b"T...")
    broken.put("in", "corrupt/1A2B3C50", b"...")

    entries = adopt(ours, broken)

    assert {entry.state for entry in entries} == {"left"}
    assert states(entries).keys() == {
        "incoming/1A2B3C4D", "deferred/1A2B3C4E", "maildrop/1A2B3C4F", "corrupt/1A2B3C50",
    }  # fmt: skip
    assert "its sender has it still" in entries[0].why
    assert ours.queued("in") == {}


def test_a_copy_that_lost_its_modes_is_not_taken_for_mail_that_its_sender_has(
    ours: Host, broken: Host
) -> None:
    broken.put("in", "incoming/1A2B3C4D", message(1), mode=0o644)
    broken.put("in", "deferred/1A2B3C4E", message(2), mode=0o600)

    entries = adopt(ours, broken)

    assert {entry.state for entry in entries} == {"left"}
    assert all("lost the modes" in entry.why for entry in entries)


def test_a_directory_that_cannot_be_read_is_not_passed_over(
    ours: Host, broken: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken.put("in", "deferred/1/1A2B3C4D", message(1))
    real = os.scandir

    def failing(path: str) -> object:
        if str(path).endswith("deferred/1"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", failing)

    with pytest.raises(OSError, match="deferred/1"):
        adopt(ours, broken)


def test_our_own_queue_is_refused(ours: Host) -> None:
    ours.put("in", "deferred/1/1A2B3C4D", message(1))

    with pytest.raises(AdoptError, match="is the queue of this host itself"):
        adopt(ours, ours)

    assert ours.queued("in") == {"deferred/1A2B3C4D": message(1)}


def test_what_an_operator_has_let_expire_still_does(ours: Host, broken: Host) -> None:
    broken.put("in", "deferred/1A2B3C4D", message(1), mode=0o710)  # postsuper -e

    (entry,) = adopt(ours, broken)

    (path,) = ours.spool("in").rglob(entry.became)
    assert path.stat().st_mode & 0o7777 == 0o710


# --- never twice --------------------------------------------------------------------------------------


def test_a_second_time_nothing_is_taken_also_not_what_was_delivered_since(ours: Host, broken: Host) -> None:
    broken.put("in", "deferred/1A2B3C4D", FRESH.read_bytes())
    (first,) = adopt(ours, broken)
    for path in ours.spool("in").rglob(first.became):
        path.unlink()  # delivered
    broken.put("in", "deferred/1A2B3C4D", PARTLY.read_bytes())  # an older or younger copy of the disk

    (second,) = adopt(ours, broken)

    assert (second.state, second.became) == ("known", first.became)
    assert ours.queued("in") == {}


def test_one_message_in_two_queues_of_a_copy_is_taken_once(ours: Host, broken: Host) -> None:
    broken.put("in", "active/1A2B3C4D", message(1))
    broken.put("in", "deferred/1A2B3C4D", message(1))

    assert sorted(entry.state for entry in adopt(ours, broken)) == ["adopted", "known"]
    assert len(ours.queued("in")) == 1


@pytest.mark.parametrize("at", range(1, 12))
def test_broken_off_anywhere_the_next_run_ends_it(
    ours: Host, broken: Host, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """The disk fails at each of its operations in turn: nothing is lost, and nothing doubled."""
    for number in (1, 2):
        broken.put("in", f"deferred/1A2B3C4{number}", message(number))
        broken.put("in", f"defer/1A2B3C4{number}", b"why it waits", mode=0o600)
    left = at
    real = Path.rename

    def failing(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left == 0:
            raise OSError("the power is gone")
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", failing)
        with suppress(OSError):
            adopt(ours, broken)
    adopt(ours, broken)

    waiting = ours.queued("in")
    assert sorted(data for name, data in waiting.items() if name.startswith("deferred/")) == [
        message(1),
        message(2),
    ]
    assert len([name for name in waiting if name.startswith("defer/")]) == 2
    assert not (ours.spool("in") / "adopting").exists()


def test_what_postfix_did_not_release_is_released_by_the_next_run(ours: Host, broken: Host) -> None:
    broken.put("in", "deferred/1A2B3C4D", message(1))
    (ours.root / "postsuper-fails").touch()
    with pytest.raises(AdoptError, match="it is broken"):
        adopt(ours, broken)
    (name,) = ours.queued("in")
    assert name.startswith("hold/")
    (ours.root / "postsuper-fails").unlink()

    adopt(ours, broken)

    (name,) = ours.queued("in")
    assert name.startswith("deferred/")


def test_what_an_operator_holds_later_is_not_released_by_a_second_run(ours: Host, broken: Host) -> None:
    broken.put("in", "deferred/1A2B3C4D", message(1))
    (entry,) = adopt(ours, broken)
    (path,) = ours.spool("in").rglob(entry.became)
    path.rename(ours.spool("in") / "hold" / entry.became)

    adopt(ours, broken)

    assert list(ours.queued("in")) == [f"hold/{entry.became}"]


def test_where_the_disk_is_nearly_full_what_was_taken_goes_out_to_make_room(
    ours: Host, broken: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        broken.put("in", f"deferred/1A2B3C4{number}", message(number))
    free = [1 << 30, 1 << 10]
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1 << 30, free=free.pop(0)))
        with pytest.raises(AdoptError, match="only 0 MiB of the disk are free"):
            adopt(ours, broken)

    (name,) = ours.queued("in")
    assert name.startswith("deferred/")
    assert sorted(entry.state for entry in adopt(ours, broken)) == ["adopted", "known"]
    assert len(ours.queued("in")) == 2


def test_a_line_of_the_journal_that_was_broken_off_is_none(ours: Host, broken: Host) -> None:
    """The disk was full, or the power gone, while it was written: its message is not adopted yet."""
    broken.put("in", "deferred/1A2B3C4D", message(1))
    adopt(ours, broken)
    with ours.places.adopted.open("a") as file:
        file.write('{"identity": "0123')
    broken.put("in", "deferred/1A2B3C4E", message(2))

    assert sorted(entry.state for entry in adopt(ours, broken)) == ["adopted", "known"]
    assert {entry.state for entry in adopt(ours, broken)} == {"known"}


def test_a_damaged_journal_is_told_by_its_line(ours: Host) -> None:
    ours.places.adopted.write_text("{}\n")

    with pytest.raises(JournalError, match=r"adopted\.jsonl, line 1 is damaged"):
        Journal(ours.places.adopted)


def test_a_release_that_was_not_noted_is_noted_later(
    ours: Host, broken: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what an operator holds after that stays held."""
    broken.put("in", "deferred/1A2B3C4D", message(1))

    def dies(*_: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "released", dies)
        with pytest.raises(OSError, match="the power"):
            adopt(ours, broken)
    (entry,) = adopt(ours, broken)
    (path,) = ours.spool("in").rglob(entry.became)
    path.rename(ours.spool("in") / "hold" / entry.became)

    adopt(ours, broken)

    assert list(ours.queued("in")) == [f"hold/{entry.became}"]


def test_a_name_that_comes_again_is_released_again(ours: Host) -> None:
    """Inodes are used again: a later message may have the name of an earlier one."""
    journal = Journal(ours.places.adopted)
    journal.add(Adopted("one", "in", "deferred", "1A2B3C4D", "1A2B3C4E", 1.0))
    journal.released("in", ["1A2B3C4E"])
    journal.add(Adopted("two", "in", "deferred", "1A2B3C4F", "1A2B3C4E", 2.0))

    assert "1A2B3C4E" in Journal(ours.places.adopted).unreleased("in")


@pytest.mark.parametrize(("given", "became"), [("", "adopted"), ("mx2", "adopted"), ("mx3", "left")])
def test_what_an_evacuation_took_out_before_the_host_died_is_adopted(
    ours: Host, broken: Host, given: str, became: str
) -> None:
    """Unless another host was given it, which then alone knows what it has of it."""
    broken.put("in", "deferred/1A2B3C4D", message(1))
    take(broken.places, {"in": broken.instance("in")})
    if given:
        give(broken.places, {"in": broken.instance("in")}, BytesIO(), given)

    (entry,) = adopt(ours, broken)

    assert entry.state == became
    assert list(ours.queued("in").values()) == ([message(1)] if became == "adopted" else [])
    assert ("adopt this disk on mx3" in entry.why) == (became == "left")


# --- where it is --------------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "var/spool"])
def test_a_disk_or_its_spool_may_be_named(ours: Host, broken: Host, below: str) -> None:
    instances = {name: ours.instance(name) for name in ("in", "out")}

    found = dict(instances_of(broken.root / below, instances))

    assert found == {"in": broken.spool("in"), "out": broken.spool("out")}
