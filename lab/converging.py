"""Converge hosts, and see what was changed."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from controller import pyinfra
from inventory.schema import Exchange

CONTROLLER = "@local"


@dataclass(frozen=True)
class Converged:
    """What a run of pyinfra did. changed: operations that changed something; told: what it printed."""

    status: int
    changed: set[str]
    told: str


def _changed(output: str) -> set[str]:
    if not output:
        return set()  # every host failed
    results: dict[str, Any] = json.loads(output)["results"]
    return {operation["name"] for operation in results["operations"] if operation["success"]}


@dataclass(frozen=True)
class Pair:
    """The exchangers of an inventory."""

    inventory: str
    exchange: Exchange

    @property
    def last(self) -> str:
        """The exchanger with the least mail: the one to experiment on."""
        hosts = self.exchange.exchangers
        return max(hosts, key=lambda name: hosts[name].mx_priority)

    def run(self, limit: str = "", deploy: str = "", options: Sequence[str] = (), **flags: str) -> Converged:
        """Converge with `flags`, one host or all; `deploy`: a file instead of the site."""
        arguments = pyinfra.command(self.inventory, "-y", "--json", *options, limit=limit, flags=flags)
        if deploy:
            arguments[arguments.index(pyinfra.DEPLOY)] = deploy
        done = subprocess.run(arguments, cwd=pyinfra.ROOT, capture_output=True, text=True, check=False)
        return Converged(done.returncode, _changed(done.stdout), done.stderr)

    def converge(self, limit: str = "", **flags: str) -> set[str]:
        """Converge the site, which must succeed; the operations that changed something."""
        ran = self.run(limit, **flags)
        assert ran.status == 0, ran.told
        return ran.changed
