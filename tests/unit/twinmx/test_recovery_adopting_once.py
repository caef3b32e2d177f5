"""Another host's queue in ours: every message once, whatever breaks it off."""

import shutil
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.twinmx.recovering import FRESH, PARTLY, Host, adopt, message
from twinmx.recovery.adopting import AdoptError
from twinmx.recovery.journal import Adopted, Journal, JournalError
from twinmx.recovery.taking import give, take


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
