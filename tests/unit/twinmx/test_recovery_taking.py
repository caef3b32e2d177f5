"""Mail leaves the queues of a host for another one: never in both, never in neither."""

import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.unit.twinmx.recovering import Host, message
from twinmx.recovery.taking import RunningError, forget, give, take


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host.make(tmp_path)


def given(host: Host) -> dict[str, bytes]:
    stream = BytesIO()
    give({name: host.instance(name) for name in ("in", "out")}, stream)
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
    (kept, _) = forget({name: host.instance(name) for name in ("in", "out")})

    assert given(host) == {}
    assert both(host) == {"in": 0, "out": 0}
    assert (Path(kept) / "active/1A2B3C4D").read_bytes() == message(1)


def test_the_program_hands_over_and_adopts(tmp_path: Path) -> None:
    """As the controller has it done: the archive of one is the standard input of the other."""
    one, two = Host.make(tmp_path / "one"), Host.make(tmp_path / "two")
    one.put("out", "deferred/1/1A2B3C4D", message(1))

    def program(host: Host, *words: str, told: bytes = b"") -> bytes:
        command = [sys.executable, "-m", "tests.unit.twinmx.recovering", "--root", str(host.root), *words]
        return subprocess.run(command, input=told, capture_output=True, check=True).stdout

    assert program(one, "take") == b'{"in": 0, "out": 1}\n'
    told = program(two, "adopt", "-", told=program(one, "give"))

    assert b'"state": "adopted"' in told
    assert list(two.queued("out").values()) == [message(1)]
