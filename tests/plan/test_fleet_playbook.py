"""The playbook that a converge is measured against does the same work, and shows no secret."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.fleet import playbook
from bench.fleet.ansible import STRATEGIES, Ansible
from bench.fleet.run import COLLECT
from bench.fleet.sight import spoiling
from bench.fleet.work import content_file, stored
from tests.plan.planning import Planner

HOSTS = ("mx1", "mx2")
COPY, FILE, UNIT, APT = (f"ansible.builtin.{name}" for name in ("copy", "file", "systemd_service", "apt"))


@dataclass(frozen=True)
class Written:
    """The directory of a playbook, its text, and the hosts as a plan notes that it wants them."""

    directory: Path
    text: str
    hosts: dict[str, dict[str, Any]]
    secrets: list[str]

    def tasks(self, host: str) -> list[dict[str, Any]]:
        """The tasks that `host` has."""
        (play,) = yaml.safe_load(self.text)
        return [task for task in play["tasks"] if "when" not in task or f"'{host}'" in task["when"]]

    def arguments(self, host: str, module: str) -> list[dict[str, Any]]:
        """What its tasks give to `module`."""
        return [task[module] for task in self.tasks(host) if module in task]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A playbook for both hosts of a whole exchange."""
    planner = Planner.in_folder(tmp_path_factory.mktemp("exchange"))
    directory = tmp_path_factory.mktemp("fleet")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BENCH_WORK", str(directory))
        ran = planner.run("--dry", "--limit", "exchangers", deploy=COLLECT)
    assert ran.status == 0, ran.told
    file = playbook.write(directory, {name: stored(directory, name) for name in HOSTS})
    given = yaml.safe_load(planner.files.secrets.read_text())
    secrets = [given["rspamd_password"], *given["valkey_passwords"], *given["srs_keys"]]
    return Written(directory, file.read_text(), planner.converged(), secrets)


@pytest.mark.parametrize("host", HOSTS)
def test_each_file_of_each_role_is_compared_once(written: Written, host: str) -> None:
    wanted = {path: state for path, state in written.hosts[host]["files"].items() if state}
    found: list[tuple[str, dict[str, str]]] = []
    for given in written.arguments(host, COPY):
        assert given["src"] == f"{{{{ inventory_hostname }}}}{given['dest']}"
        digest = hashlib.sha256(content_file(written.directory, host, given["dest"]).read_bytes()).hexdigest()
        owned = {"mode": given["mode"], "user": given["owner"], "group": given["group"]}
        found.append((given["dest"], {"kind": "file", "sha256": digest, **owned}))
    links = [given for given in written.arguments(host, FILE) if given["state"] == "link"]
    found += [(given["path"], {"kind": "link", "target": given["src"]}) for given in links]

    assert len(found) > 80
    assert len(found) == len(dict(found)), "no file twice"
    assert dict(found) == wanted


@pytest.mark.parametrize("host", HOSTS)
def test_so_is_what_must_not_be_there(written: Written, host: str) -> None:
    wanted = [path for path, state in written.hosts[host]["files"].items() if state is None]

    found = [given["path"] for given in written.arguments(host, FILE) if given["state"] == "absent"]

    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("host", HOSTS)
def test_packages_and_units_are_the_same(written: Written, host: str) -> None:
    (packages,) = written.arguments(host, APT)
    units = written.arguments(host, UNIT)

    assert {name.partition(">=")[0] for name in packages["name"]} == set(written.hosts[host]["packages"])
    assert "postfix>=3.10.13" in packages["name"]
    assert sorted(unit["name"] for unit in units) == sorted(written.hosts[host]["units"])
    assert {"name": "postfix.service", "state": "started", "enabled": True} in units
    assert {"state": "started"}.items() <= next(
        unit for unit in units if unit["name"] == "gate@1.service"
    ).items()


def test_what_holds_a_secret_is_not_logged_and_only_its_owner_reads_it(written: Written) -> None:
    assert not [secret for secret in written.secrets if secret in written.text]
    holding = set()
    for task in written.tasks("mx1"):
        if COPY in task:
            file = content_file(written.directory, "mx1", task[COPY]["dest"])
            assert file.stat().st_mode & 0o777 == 0o600
            content = file.read_text()
            if "PRIVATE KEY-----" in content or any(secret in content for secret in written.secrets):
                holding.add(file.name)
                assert task.get("no_log") is True, file
    assert holding >= {"key.pem", "worker-controller.inc", "srs-keys", "valkey-password"}


def test_hosts_share_their_tasks(written: Written) -> None:
    (play,) = yaml.safe_load(written.text)

    assert play["gather_facts"] is False
    assert not [task["name"] for task in play["tasks"] if "when" in task]


def test_what_is_spoiled_to_prove_that_both_see_it_is_managed(written: Written) -> None:
    work = stored(written.directory, "mx1")
    managed = {file.path for file in work.files} | {*work.links, *work.absent, *work.units}

    assert set(spoiling(work)) <= managed
    assert "vitals.service" in work.at_boot
    assert "drift.timer" in work.active


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_ansible_takes_it(written: Written, strategy: str) -> None:
    ansible = Ansible(written.directory)
    ansible.write({name: {"ssh_hostname": "127.0.0.1", "ssh_config_file": "build/ssh"} for name in HOSTS})

    done = subprocess.run(
        ansible.command("--syntax-check"),
        env=ansible.environment(strategy),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
