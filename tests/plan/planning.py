"""Run pyinfra's own command line on fake hosts, and read what it planned or did."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from controller.pyinfra import ROOT
from lab import pki
from tests.unit.inventory.files import Files, spoil

INVENTORY = "tests/plan/pair.py"
ZONE_FILES = "octodns.provider.yaml.YamlProvider"
SYSTEM = {
    "os": "debian 13",
    "init": "systemd",
    "machine": "x86_64",
    "free_megabytes": "20000",
    "port_25": "",
}


def bare(**system: str) -> dict[str, Any]:
    """What a host with nothing on it answers, with differences of its `system`."""
    return {"packages": {}, "files": {}, "units": {}, "stamps": {}, "system": SYSTEM | system}


@dataclass(frozen=True)
class Ran:
    """A finished pyinfra: exit status, standard output, and what it told the operator."""

    status: int
    output: str
    told: str

    @property
    def commands(self) -> list[str]:
        """The first line of every command that it ran on a host (with -vv), facts included."""
        return [line.split(">>> ", 1)[1] for line in self.told.splitlines() if ">>> " in line]

    def commands_on(self, name: str) -> list[str]:
        """`commands` of the host `name` alone."""
        lines = [line for line in self.told.splitlines() if f"[@fake/{name}] >>> " in line]
        return [line.split(">>> ", 1)[1] for line in lines]

    @property
    def planned(self) -> list[dict[str, Any]]:
        """The operations of `--dry --json` in their order."""
        operations: list[dict[str, Any]] = json.loads(self.output)["plan"]
        return operations


@dataclass(frozen=True)
class Planner:
    """A folder with a whole exchange in it, to plan with."""

    files: Files
    folder: Path

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """Write facts, secrets, aliases and certificates into `folder`."""
        files = Files.write(folder)
        files.facts.write_text(files.facts.read_text().replace("/etc/twinmx/tls", str(folder)))
        pki.ensure(["mx1.alias.example", "mx2.alias.example"], folder)
        return cls(files, folder)

    def add_exchangers(self, *names: str) -> None:
        """Let the exchange have more hosts than mx1 and mx2."""
        hosts = "".join(
            f"  {name}:\n"
            f"    fqdn: {name}.alias.example\n"
            f"    address: 198.51.100.{100 + number}\n"
            f"    mx_priority: {100 + number}\n"
            for number, name in enumerate(names)
        )
        spoil(self.files.facts, "aliases_file:", f"{hosts}aliases_file:")
        pki.ensure([f"{name}.alias.example" for name in names], self.folder)

    def run(
        self,
        *options: str,
        states: Mapping[str, Any] | None = None,
        agents: Mapping[str, Any] | None = None,
        deploy: str = "deploy.py",
        record: Path | None = None,
        **said: Any,
    ) -> Ran:
        """pyinfra with `options`; hosts not in `states` are bare, and those not in `agents` have none.

        said: what else there is to know of INVENTORY's hosts (tests/plan/pair.py).
        """
        program = str(Path(sys.executable).with_name("pyinfra"))
        said |= {"states": states or {}, "agents": agents or {}} | ({"record": str(record)} if record else {})
        return self._ran([program, INVENTORY, deploy, *options], said)

    def converged(self, *options: str, **said: Any) -> dict[str, dict[str, Any]]:
        """Both hosts as a plan with `options` wants them to be."""
        path = self.folder / "converged.json"
        ran = self.run("--dry", "--limit", "exchangers", *options, record=path, **said)
        assert ran.status == 0, ran.told
        return {
            name.removeprefix("@fake/"): state | {"system": SYSTEM}
            for name, state in json.loads(path.read_text()).items()
        }

    def keep_zones(self, **zones: str) -> None:
        """Let the zones be files (octoDNS's YAML), with these contents; the others are empty."""
        directory = self.folder / "zones"
        directory.mkdir()
        for zone in ("alias.example", "masked.example"):
            (directory / f"{zone}.yaml").write_text(zones.get(zone.split(".")[0], "{}\n"))
        provider = f"python_class: {ZONE_FILES}, options: {{directory: {directory}}}"
        spoil(self.files.facts, "  server: 198.51.100.10\n", f"  provider: {{{provider}}}\n")

    def twinmx(self, *words: str, **said: Any) -> Ran:
        """bin/twinmx with `words`; `said` describes the hosts of INVENTORY, as tests/plan/pair.py says."""
        return self._ran(["bin/twinmx", *words], said)

    def plan(self, *options: str, **said: Any) -> tuple[Ran, dict[str, Any]]:
        """`twinmx plan --json` of these hosts, and the document."""
        ran = self.twinmx("plan", INVENTORY, "--json", *options, **said)
        return ran, json.loads(ran.output)

    def _ran(self, command: list[str], said: Mapping[str, Any]) -> Ran:
        facts = {"facts": str(self.files.facts), "agents": {}}
        states = {"mx1": bare(), "mx2": bare()} | said.get("states", {})
        planned = self.folder / "planned.json"
        planned.write_text(json.dumps({**facts, **said, "states": states}))
        environment = {**os.environ, "PLANNED": str(planned), "COLUMNS": "100"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        return Ran(done.returncode, done.stdout, done.stderr)
