"""Proof that neither is blind: things changed by hand on one host, which both must see, and nothing besides.

Ansible only looks (--check) and twinmx only plans; then twinmx puts everything back.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.fleet.ansible import STRATEGIES, Ansible
from bench.fleet.work import Work
from bench.noop import PYINFRA, timed
from controller.pyinfra import DEPLOY, ROOT, complaint
from roles.lib.changes import FileChange, ServiceChange
from roles.lib.telling import PATH, Account

BY_HAND = {
    "/etc/systemd/journald.conf.d/twinmx.conf": "echo '# by hand' >>{thing}",
    "/etc/sysusers.d/twinmx.conf": "chmod 0600 {thing}",
    "/etc/apt/apt.conf.d/52twinmx-upgrades": "chown nobody {thing}",
    "/etc/tmpfiles.d/twinmx.conf": "rm {thing}",
    "/usr/local/bin/mxctl": "ln -sfn /bin/true {thing}",
    "drift.timer": "systemctl stop {thing}",
    "vitals.service": "systemctl disable -q {thing}",
}
"""Managed thing → the shell command that spoils it; none of them is in the way of mail."""
TASK, CHANGED = re.compile(r"^TASK \[(?:no )?(.+)\] \*"), "changed: ["


def spoiling(work: Work) -> dict[str, str]:
    """Thing → command, on a host with this work; a path that must not be there is made as well."""
    commands = {thing: command.format(thing=thing) for thing, command in BY_HAND.items()}
    return commands | {path: f"mkdir -p {Path(path).parent} && touch {path}" for path in work.absent[:1]}


def seen_by_ansible(said: str) -> set[str]:
    """The things that Ansible says it would change."""
    found, task = set(), ""
    for line in said.splitlines():
        if heading := TASK.match(line):
            task = heading[1]
        elif line.startswith(CHANGED):
            found.add(task)
    return found


def seen_by_twinmx(account: Account, host: str, things: Mapping[str, str]) -> set[str]:
    """The files that twinmx would change, and those of `things` among the units that it would act upon.

    Services that restart because of a file are no finding of their own.
    """
    changes = [step.what for step in account.places[host].steps]
    files = {change.path for change in changes if isinstance(change, FileChange)}
    units = {unit for change in changes if isinstance(change, ServiceChange) for unit in change.units}
    return files | (units & set(things))


def _planned(inventory: str, host: str) -> Account:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "told.json"
        command = [PYINFRA, inventory, DEPLOY, "--dry", "--limit", host]
        _, _, done = timed(command, {**os.environ, PATH: str(path)})
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{complaint(done.stderr)}")
        return Account.model_validate_json(path.read_text())


def prove(inventory: str, ansible: Ansible, host: str, reached: Mapping[str, str], work: Work) -> int:
    """Spoil things on `host` and have both find them; how many. SystemExit where one does not.

    reached: pyinfra's data of the host (ssh_hostname, ssh_config_file).
    """
    things = spoiling(work)
    ssh = ["ssh", "-F", reached["ssh_config_file"], reached["ssh_hostname"]]
    try:
        subprocess.run([*ssh, "\n".join(["set -e", *things.values()])], cwd=ROOT, check=True)
        _, _, said = ansible.apply([host], STRATEGIES[0], "--check")
        seen = {"Ansible": seen_by_ansible(said)}
        seen["twinmx"] = seen_by_twinmx(_planned(inventory, host), host, things)
    finally:
        subprocess.run([PYINFRA, inventory, DEPLOY, "-y", "--limit", host], cwd=ROOT, check=True)
    for who, found in seen.items():
        if found != set(things):
            unlike = ", ".join(sorted(found ^ set(things)))
            raise SystemExit(f"{who} and what was changed by hand on {host} differ in: {unlike}")
    return len(things)
