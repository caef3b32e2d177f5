"""Mail leaves the queues of a host for another one: never in both, never in neither."""

import errno
import fcntl
import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.unit.twinmx.recovering import Host, message, program
from twinmx.recovery.adopting import Adopter
from twinmx.recovery.journal import Journal
from twinmx.recovery.taking import GivenError, RunningError, forget, give, left, take


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host.make(tmp_path)


def given(host: Host) -> dict[str, bytes]:
    stream = BytesIO()
    give(host.places, {name: host.instance(name) for name in ("in", "out")}, stream, "mx2")
    stream.seek(0)
    found = {}
    with tarfile.open(fileobj=stream) as tar:
        for info in tar:
            if file := tar.extractfile(info):
                found[info.name] = file.read()
    return found


def both(host: Host) -> dict[str, int]:
    return take(host.places, {name: host.instance(name) for name in ("in", "out")})


def test_all_accepted_mail_and_its_logs_leave_the_queues(host: Host) -> None:
    host.put("in", "active/1A2B3C4D", message(1))
    host.put("out", "deferred/1/1A2B3C4E", message(2))
    host.put("out", "defer/1/1A2B3C4E", b"why it waits", mode=0o600)
    host.put("in", "incoming/1A2B3C4F", message(3), mode=0o600)

    assert both(host) == {"in": 1, "out": 1}

    assert host.queued("in") == {"incoming/1A2B3C4F": message(3)}, "not accepted yet: its sender has it"
    assert host.queued("out") == {}
    assert given(host) == {
        "postfix/active/1A2B3C4D": message(1),
        "postfix-out/deferred/1A2B3C4E": message(2),
        "postfix-out/defer/1A2B3C4E": b"why it waits",
    }


def test_while_postfix_runs_nothing_is_touched(host: Host) -> None:
    host.put("in", "active/1A2B3C4D", message(1))
    (host.root / "running").touch()

    with pytest.raises(RunningError, match="stop it first"):
        both(host)

    assert list(host.queued("in")) == ["active/1A2B3C4D"]


def test_what_was_taken_is_given_again_until_it_is_forgotten(host: Host) -> None:
    host.put("in", "active/1A2B3C4D", message(1))
    both(host)

    assert both(host) == {"in": 1, "out": 0}
    assert given(host) == given(host) != {}
    (kept,) = forget({name: host.instance(name) for name in ("in", "out")})

    assert given(host) == {}
    assert both(host) == {"in": 0, "out": 0}
    assert (Path(kept) / "active/1A2B3C4D").read_bytes() == message(1)


def test_the_program_hands_over_and_adopts(tmp_path: Path) -> None:
    """As the controller has it done: the archive of one is the standard input of the other."""
    one, two = Host.make(tmp_path / "one"), Host.make(tmp_path / "two")
    one.put("out", "deferred/1/1A2B3C4D", message(1))

    def process(host: Host, *words: str, told: bytes = b"") -> bytes:
        command = [sys.executable, "-m", "tests.unit.twinmx.recovering", "--root", str(host.root), *words]
        return subprocess.run(command, input=told, capture_output=True, check=True).stdout

    assert process(one, "take") == b'{"in": 0, "out": 1}\n'
    told = process(two, "adopt", "mx2", "-", told=process(one, "give", "mx2"))

    assert b'"state": "adopted"' in told
    assert list(two.queued("out").values()) == [message(1)]


def test_what_one_host_was_given_goes_to_no_other(host: Host) -> None:
    """Broken off, and then begun again towards a third host: only the second knows what it has adopted."""
    host.put("in", "active/1A2B3C4D", message(1))
    both(host)
    assert given(host) != {}
    stream = BytesIO()

    with pytest.raises(
        GivenError, match=r"mx2 has been given .*--to mx2.* remove /.*/evacuated/given-to\.mx2"
    ):
        give(host.places, {"in": host.instance("in")}, stream, "mx3")

    assert stream.getvalue() == b""
    forget({"in": host.instance("in")})
    host.put("in", "active/1A2B3C4E", message(2))
    both(host)
    give(host.places, {"in": host.instance("in")}, stream, "mx3")


def test_what_some_mailboxes_have_got_already_goes_along(host: Host, tmp_path: Path) -> None:
    """The forwarder tells its peers, but one that does not answer in time has not heard of it."""
    host.put("in", "active/1A2B3C4D", message(1))
    (host.places.delivered / ("0" * 64)).touch()
    other, archive = Host.make(tmp_path / "other"), tmp_path / "archive"
    assert program(host, ["take"])[0] == 0
    archive.write_bytes(program(host, ["give", "mx2"])[1])

    with archive.open("rb") as file:
        assert program(other, ["adopt", "mx2", "-"], file)[0] == 0

    assert [path.name for path in other.places.delivered.iterdir()] == ["0" * 64]


def test_a_bad_block_in_one_message_keeps_no_other_back(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.put("out", "deferred/1/1A2B3C4D", message(1))
    host.put("out", "deferred/1/1A2B3C4E", message(2))
    both(host)
    real = Path.read_bytes

    def failing(path: Path) -> bytes:
        if path.name == "1A2B3C4D":
            raise OSError(5, "Input/output error")
        return real(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", failing)
        files = given(host)
    other = Host.make(tmp_path / "other")
    for name, data in files.items():
        other.put("out", name.removeprefix("postfix-out/"), data)
    ours = Host.make(tmp_path / "ours")
    adopter = Adopter(ours.places, "out", ours.instance("out"), Journal(ours.places.adopted))

    entries = adopter.adopt(other.spool("out"), "mx2")

    assert {entry.was: entry.state for entry in entries} == {"1A2B3C4D": "left", "1A2B3C4E": "adopted"}


def test_what_is_no_message_of_a_queue_stays_and_is_named(host: Host) -> None:
    host.put("in", "maildrop/1A2B3C4D", b"T...")
    host.put("out", "corrupt/1A2B3C4E", b"...")
    both(host)

    entries = left({name: host.instance(name) for name in ("in", "out")})

    assert [(entry.instance, entry.queue, entry.was, entry.state) for entry in entries] == [
        ("in", "maildrop", "1A2B3C4D", "left"),
        ("out", "corrupt", "1A2B3C4E", "left"),
    ]


def test_two_runs_at_once_are_one_too_many(host: Host) -> None:
    """Of a connection that broke the first may still be at work, when the operator types it again."""
    host.put("in", "active/1A2B3C4D", message(1))
    died = host.places.state / ".adopt-died"
    died.mkdir()
    handle = os.open(host.places.state, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        status, _, said = program(host, ["take"])
    finally:
        os.close(handle)

    assert (status, "is at work here" in said) == (1, True)
    assert list(host.queued("in")) == ["active/1A2B3C4D"]
    assert program(host, ["take"])[0] == 0
    assert not died.exists(), "what a dead run has unpacked is mail, and takes room"


def test_a_full_disk_is_told_with_the_way_out(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)

    status, _, said = program(host, ["take"])

    assert (status, "make room" in said) == (1, True)
