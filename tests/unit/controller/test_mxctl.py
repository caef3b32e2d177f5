"""`mxctl` from the controller: every exchanger at once, over SSH, and nothing is changed unasked."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from controller import pyinfra
from controller.cli import app
from controller.errors import ControllerError
from controller.manual import commands
from controller.mxctl import READS, ssh
from twinmx.mxctl.main import app as mxctl

SSH = """#!/bin/sh
echo "$@" >>{directory}/asked
for host; do case $host in -*|*=*) ;; 198.51.100.*) break ;; esac; done
touch {directory}/$host
while [ $(ls {directory}/198.51.100.* | wc -l) -lt $(cat {directory}/together) ]; do sleep 0.01; done
. {directory}/answers
"""
DATA: dict[str, dict[str, Any]] = {
    "mx1": {"exchanger": "mx1", "ssh_hostname": "198.51.100.1"},
    "mx2": {"exchanger": "mx2", "ssh_hostname": "198.51.100.2"},
    "database": {"database": True, "ssh_hostname": "198.51.100.3"},
    "@local": {},
}


class Hosts:
    """What `ssh` finds at the other end."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        script = directory / "ssh"
        script.write_text(SSH.format(directory=directory))
        script.chmod(0o755)
        self.answer("echo here is $host")
        self.together(2)

    def answer(self, script: str) -> None:
        (self.directory / "answers").write_text(script)

    def together(self, number: int) -> None:
        """No one answers before so many have been asked."""
        (self.directory / "together").write_text(str(number))

    @property
    def asked(self) -> list[str]:
        file = self.directory / "asked"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    hosts = Hosts(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(pyinfra, "inventory_hosts", lambda _: DATA)
    return hosts


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["mxctl", "inventory/lab.py", *arguments])


def test_every_exchanger_is_asked_at_once_and_shown_under_its_name(hosts: Hosts) -> None:
    began = time.monotonic()
    done = run("--", "queue", "--by", "reason")

    assert done.exit_code == 0
    assert time.monotonic() - began < 10
    shown = [line for line in done.stdout.splitlines() if line]
    assert [line.split()[0] for line in shown] == ["mx1", "here", "mx2", "here"]
    assert len(hosts.asked) == 2
    assert all(line.endswith("env COLUMNS=100 mxctl queue --by reason") for line in hosts.asked)


def test_for_programs_there_is_one_object_with_each_host(hosts: Hosts) -> None:
    hosts.answer("case $host in *.1) echo '{\"well\": true}' ;; *) echo sick >&2; exit 1 ;; esac")

    done = run("--", "status", "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout) == {
        "mx1": {"status": 0, "answer": {"well": True}, "errors": ""},
        "mx2": {"status": 1, "answer": None, "errors": "sick"},
    }


@pytest.mark.parametrize(("of_mx1", "worst"), [(0, 0), (1, 1), (2, 2), (3, 3), (127, 3), (255, 3)])
def test_the_worst_status_counts(hosts: Hosts, of_mx1: int, worst: int) -> None:
    hosts.answer(f"case $host in *.1) exit {of_mx1} ;; esac")

    assert run("--", "status").exit_code == worst


@pytest.mark.parametrize(
    "words", [words for words, text in commands(typer.main.get_command(mxctl)) if "Exit status" in text]
)
def test_what_changes_something_is_never_meant_for_all_unasked(hosts: Hosts, words: tuple[str, ...]) -> None:
    done = run("--", *words)

    if words in READS:
        assert done.exit_code == 0
    else:
        assert done.exit_code == 2
        assert hosts.asked == []
        assert "--host NAME (mx1, mx2), or --all" in " ".join(done.output.replace("│", " ").split())


def test_one_host_or_all_on_request(hosts: Hosts) -> None:
    assert run("--all", "--", "drain").exit_code == 0
    assert len(hosts.asked) == 2
    hosts.together(1)
    assert run("--host", "mx2", "--", "drain", "--reason", "new disk; reboot").exit_code == 0
    assert len(hosts.asked) == 3
    assert hosts.asked[2].endswith("198.51.100.2 env COLUMNS=100 mxctl drain --reason 'new disk; reboot'")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "mx9"], "--host mx9; allowed: mx1, mx2"),
        (["--host", "mx1", "--all"], "exclude each other"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(hosts: Hosts, arguments: list[str], says: str) -> None:
    done = run(*arguments, "--", "status")

    assert done.exit_code == 2
    assert says in " ".join(done.output.replace("│", " ").split())


def test_an_inventory_that_is_refused_asks_nobody(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: str) -> dict[str, Any]:
        raise ControllerError("inventory/lab.py:3: no")

    monkeypatch.setattr(pyinfra, "inventory_hosts", refused)
    done = run("--", "status")

    assert done.exit_code == 3
    assert "inventory/lab.py:3: no" in done.output
    assert hosts.asked == []


def test_hosts_are_reached_as_the_inventory_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    reached = ssh(
        {
            "ssh_hostname": "203.0.113.11", "ssh_port": 2222, "ssh_user": "root",
            "ssh_key": "~/.ssh/id_ed25519", "ssh_strict_host_key_checking": "yes",
            "ssh_known_hosts_file": "~/known", "ssh_config_file": "build/lab/ssh_config",
        },
        ["status"],
    )  # fmt: skip

    text = " ".join(reached)
    for part in (
        "-F build/lab/ssh_config", "-p 2222", "-l root", "-i /home/ada/.ssh/id_ed25519", "BatchMode=yes",
        "-o StrictHostKeyChecking=yes", "-o UserKnownHostsFile=/home/ada/known",
    ):  # fmt: skip
        assert part in text
    assert reached[-3:] == ["--", "203.0.113.11", "env COLUMNS=100 mxctl status"]
