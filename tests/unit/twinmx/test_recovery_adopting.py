"""Another host's queue in ours: every message, none of ours touched."""

import os

import pytest

from tests.unit.twinmx.recovering import Host, adopt, message
from twinmx.recovery.adopting import Adopter, AdoptError, Entry, instances_of
from twinmx.recovery.journal import Journal


def states(entries: list[Entry]) -> dict[str, str]:
    return {f"{entry.queue}/{entry.was}": entry.state for entry in entries}


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


@pytest.mark.parametrize("below", ["", "var/spool"])
def test_a_disk_or_its_spool_may_be_named(ours: Host, broken: Host, below: str) -> None:
    instances = {name: ours.instance(name) for name in ("in", "out")}

    found = dict(instances_of(broken.root / below, instances))

    assert found == {"in": broken.spool("in"), "out": broken.spool("out")}
