"""Ansible as quick as its own settings make it, and what it says it has done.

Tuned: pipelining, one kept connection a host (ControlPersist, it also outlives a run), as many forks as
hosts, no facts gathered, the interpreter named, nothing printed of what is well. Which strategy is the
quicker, `linear` or `free`, is tried.
"""

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.noop import Sample, timed

PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))
STRATEGIES = ("linear", "free")
SETTINGS = """\
[defaults]
forks = 8
gathering = explicit
display_ok_hosts = False
display_skipped_hosts = False
internal_poll_interval = 0.001
interpreter_python = /usr/bin/python3

[ssh_connection]
pipelining = True
ssh_args = {config}-o ControlMaster=auto -o ControlPersist=1800s
"""
RECAP = re.compile(r"^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+) +skipped=(\d+)", re.M)
SHOWN = 4000
"""Characters of Ansible's last words that are repeated."""


@dataclass(frozen=True)
class Recap:
    """What Ansible says of one host at the end: tasks of each kind. `ok` counts the changed ones too."""

    ok: int
    changed: int
    unreachable: int
    failed: int
    skipped: int


@dataclass(frozen=True)
class Ansible:
    """A directory with playbook.yml, and inventory.yml and ansible.cfg beside it."""

    directory: Path

    def write(self, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        """Write inventory and settings from pyinfra's data of the hosts: ssh_hostname, ssh_config_file."""
        addresses = {name: {"ansible_host": data["ssh_hostname"]} for name, data in hosts.items()}
        (self.directory / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": addresses}}))
        configs = {str(data.get("ssh_config_file") or "") for data in hosts.values()}
        config = "".join(f"-F {shlex.quote(str(Path(name).absolute()))} " for name in configs if name)
        (self.directory / "ansible.cfg").write_text(SETTINGS.format(config=config))

    def command(self, *options: str) -> list[str]:
        """The argument list of ansible-playbook."""
        files = (self.directory / "inventory.yml", self.directory / "playbook.yml")
        return [PLAYBOOK, "--inventory", *map(str, files), *options]

    def environment(self, strategy: str) -> dict[str, str]:
        """This process's, with Ansible's own variables replaced by ours."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        return others | {
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.directory / "home"),
            "ANSIBLE_STRATEGY": strategy,
            "ANSIBLE_NOCOLOR": "1",
        }

    def apply(self, hosts: Sequence[str], strategy: str, *options: str) -> tuple[Sample, int, str]:
        """Run the playbook on `hosts`: the sample, how many tasks changed something, and Ansible's output.

        Raises SystemExit where a host or a task failed.
        """
        command = self.command("--limit", ",".join(hosts), *options)
        seconds, cpu, done = timed(command, self.environment(strategy))
        recap = recap_of(done.stdout)
        if done.returncode or sorted(recap) != sorted(hosts):
            raise SystemExit(f"Ansible failed:\n{(done.stdout + done.stderr)[-SHOWN:]}")
        checked = sum(host.ok for host in recap.values())
        return Sample(seconds, cpu, checked), sum(host.changed for host in recap.values()), done.stdout

    def converge(self, hosts: Sequence[str], strategy: str) -> Sample:
        """`apply`; raises SystemExit unless nothing was changed."""
        sample, changed, said = self.apply(hosts, strategy)
        if changed:
            raise SystemExit(f"Ansible was no no-op, {changed} tasks changed something:\n{said[-SHOWN:]}")
        return sample


def recap_of(said: str) -> dict[str, Recap]:
    """Host → its line of Ansible's PLAY RECAP; empty where it did not come that far."""
    return {name: Recap(*map(int, numbers)) for name, *numbers in RECAP.findall(said)}
