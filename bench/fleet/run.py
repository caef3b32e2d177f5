"""The measurement: have both agree on the hosts, find Ansible's quicker strategy, then measure in turn."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.fleet import playbook
from bench.fleet.ansible import STRATEGIES, Ansible
from bench.fleet.figures import Pair
from bench.fleet.sight import prove
from bench.fleet.work import Work, stored
from bench.noop import PYINFRA, Sample, converge, timed
from controller.pyinfra import DEPLOY, complaint

COLLECT = "bench/fleet/wanted_deploy.py"


def _limited(hosts: Sequence[str]) -> list[str]:
    return [word for host in hosts for word in ("--limit", host)]


@dataclass(frozen=True)
class Fleet:
    """The hosts that both converge. hosts: by pyinfra's name, what it is told to reach them."""

    inventory: str
    hosts: Mapping[str, Mapping[str, Any]]
    ansible: Ansible

    @property
    def names(self) -> list[str]:
        """Of all hosts, in the inventory's order."""
        return list(self.hosts)

    def first(self, number: int) -> "Fleet":
        """The first `number` of them."""
        return replace(self, hosts=dict(list(self.hosts.items())[:number]))

    def collect(self) -> dict[str, Work]:
        """Write the playbook with all that it needs; what there is to check, by host. No host is changed."""
        directory = self.ansible.directory
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o700, parents=True)
        command = [PYINFRA, self.inventory, COLLECT, "--dry", *_limited(self.names)]
        _, _, done = timed(command, {**os.environ, "BENCH_WORK": str(directory)})
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{complaint(done.stderr)}")
        works = {name: stored(directory, name) for name in self.names}
        playbook.write(directory, works)
        self.ansible.write(self.hosts)
        return works

    def ours(self, hosts: Sequence[str]) -> Sample:
        """A no-op converge by twinmx."""
        return converge(self.inventory, DEPLOY, *_limited(hosts))

    def agree(self, works: Mapping[str, Work]) -> int:
        """Have Ansible apply what twinmx has, and neither find anything to change after the other.

        How many tasks of that first application changed something; SystemExit where they do not agree.
        """
        self.ours(self.names)
        first, changed, _ = self.ansible.apply(self.names, STRATEGIES[0])
        checks = sum(playbook.checks(work) for work in works.values())
        if first.operations != checks:
            raise SystemExit(f"Ansible checked {first.operations} of {checks} things")
        self.ours(self.names)
        self.ansible.converge(self.names, STRATEGIES[0])
        return changed

    def prove(self, works: Mapping[str, Work]) -> int:
        """Have both find what was changed by hand on the first host; how many things."""
        name = self.names[0]
        return prove(self.inventory, self.ansible, name, self.hosts[name], works[name])

    def strategies(self, number: int) -> dict[str, Sample]:
        """A run of each strategy with `number` hosts."""
        return {strategy: self.ansible.converge(self.names[:number], strategy) for strategy in STRATEGIES}

    def pairs(self, number: int, strategy: str) -> tuple[Pair, Pair]:
        """Two pairs with `number` hosts, in the order ABBA, so that what drifts falls on both."""
        hosts = self.names[:number]
        first = Pair(self.ours(hosts), self.ansible.converge(hosts, strategy))
        theirs = self.ansible.converge(hosts, strategy)
        return first, Pair(self.ours(hosts), theirs)


def fleet(inventory: str, hosts: Mapping[str, Mapping[str, Any]], directory: Path) -> Fleet:
    """The exchangers among pyinfra's `hosts`, with Ansible's files in `directory`."""
    exchangers = {name: data for name, data in hosts.items() if data.get("exchanger")}
    return Fleet(inventory, exchangers, Ansible(directory))
