"""What a rolling converge asks of real hosts: the commands over SSH, and what is made of the answers."""

import json
import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from controller import pyinfra
from controller.errors import ControllerError
from controller.remote import Remote
from controller.rolling.agent import REASON
from controller.rolling.fleet import Fleet, Look
from tests.unit.roles.exchanges import exchange

SSH = """#!/bin/sh
for command; do :; done
echo "$command" >>{directory}/asked
. {directory}/answers
"""


class Hosts:
    """Two exchangers, whose `ssh` runs a script of the test's."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        script = directory / "ssh"
        script.write_text(SSH.format(directory=directory))
        script.chmod(0o755)
        remotes = {name: Remote(name, {"ssh_hostname": name}) for name in ("mx1", "mx2")}
        self.fleet = Fleet("inventory/lab.py", exchange(), {}, remotes)

    def answer(self, script: str) -> None:
        (self._directory / "answers").write_text(script)

    @property
    def asked(self) -> list[str]:
        return (self._directory / "asked").read_text().splitlines()


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Hosts(tmp_path)


def test_a_host_as_it_is(hosts: Hosts) -> None:
    hosts.answer("""echo 0; date +%s.%N; echo unfinished; echo '{"state": "active", "promises": true}'""")

    look = hosts.fleet.looks()["mx1"]

    assert isinstance(look, Look)
    assert (look.root, look.unfinished, look.agent.carries) == (True, True, True)
    assert abs(look.clock_seconds) < 1


def test_a_clock_that_is_off_is_seen(hosts: Hosts) -> None:
    hosts.answer("echo 1000; date -d '-400 seconds' +%s.%N; echo finished; echo '{}'")

    look = hosts.fleet.looks()["mx2"]

    assert isinstance(look, Look)
    assert (look.root, look.unfinished, look.agent.state) == (False, False, "absent")
    assert look.clock_seconds == pytest.approx(-400, abs=2)


def test_a_host_that_does_not_let_us_in_is_a_sentence(hosts: Hosts) -> None:
    hosts.answer("echo 'Permission denied (publickey).' >&2; exit 255")

    looks = hosts.fleet.looks()
    assert set(looks) == {"mx1", "mx2"}
    assert all(str(look).startswith("Permission denied (publickey); ") for look in looks.values())
    assert hosts.fleet.agent("mx1").state == "silent"


def test_a_drain_ends_by_itself_unless_it_is_to_stay(hosts: Hosts) -> None:
    hosts.answer("exit 0")
    hosts.fleet.drain("mx1")
    hosts.fleet.drain("mx1", for_ever=True, wait=False)

    assert hosts.asked == [
        f"mxctl drain --reason '{REASON}' --for 2h --wait",
        f"mxctl drain --reason '{REASON}'",
    ]


def test_a_refused_drain_is_told_in_the_agent_s_words(hosts: Hosts) -> None:
    hosts.answer("echo 'refused: mx2 is drained and relies on this host' >&2; exit 1")

    with pytest.raises(ControllerError, match="mx1: refused: mx2 is drained and relies on this host"):
        hosts.fleet.drain("mx1")


def test_a_message_that_is_not_taken_is_told_with_the_answer(hosts: Hosts) -> None:
    lost = {
        "place": "127.0.0.1:20381",
        "accepted": False,
        "arrived": False,
        "said": "451 4.3.0 no",
        "seconds": 1,
    }
    hosts.answer(f"echo '{json.dumps(lost)}'; exit 1")

    with pytest.raises(ControllerError, match=r"127\.0\.0\.1:20381 was not taken: 451 4\.3\.0 no"):
        hosts.fleet.probe("mx1", ["127.0.0.1:20381"])
    (asked,) = hosts.asked
    assert asked.startswith(
        "env CREDENTIALS_DIRECTORY=/etc/twinmx/credentials /opt/twinmx/current/bin/python -m"
    )
    assert asked.endswith("twinmx.canary.probe --seconds 60 127.0.0.1:20381")


def test_a_release_that_cannot_even_send_is_told(hosts: Hosts) -> None:
    hosts.answer("echo 'No module named twinmx' >&2; exit 1")

    with pytest.raises(ControllerError, match="no message could be sent: No module named twinmx"):
        hosts.fleet.probe("mx1", ["198.51.100.11:25"])


def test_a_probe_that_is_cut_off_in_the_middle_of_a_word_is_a_gate_that_fails(hosts: Hosts) -> None:
    hosts.answer("""echo '{"place": "198.51'; echo 'Connection closed' >&2; exit 255""")

    with pytest.raises(ControllerError, match="no message could be sent: Connection closed"):
        hosts.fleet.probe("mx1", ["198.51.100.11:25"])


def test_who_failed_of_those_that_were_converged_at_once(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ran(arguments: list[str], **options: dict[str, str]) -> subprocess.CompletedProcess[str]:
        limits.extend(after for before, after in pairwise(arguments) if before == "--limit")
        places = {
            name: {"pyinfra": name, "failed": name == "mx2", "errors": ["gate: not healthy"], "steps": []}
            for name in ("mx1", "mx2")
        }
        Path(options["env"]["TWINMX_TOLD"]).write_text(json.dumps({"places": places}))
        return subprocess.CompletedProcess(arguments, 1)

    limits: list[str] = []
    monkeypatch.setattr(subprocess, "run", ran)

    assert hosts.fleet.converge(["mx2", "mx1"]) == {"mx2": "gate: not healthy"}
    assert limits == ["mx2", "mx1"]


def test_a_pyinfra_that_dies_fails_all_of_them(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyinfra, "command", lambda *_, **__: ["false"])

    assert set(hosts.fleet.converge(["mx2", "mx1"])) == {"mx1", "mx2"}
