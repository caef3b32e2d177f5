"""The Vagrantfile with its Docker provider: two hosts come up, converge, forward a message, and go.

libvirt and VirtualBox need a desktop; for them the file is only validated.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PYINFRA = str(Path(sys.executable).with_name("pyinfra"))
INSTALL = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "vagrant"]
HOSTS = ("mx1", "mx2")


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def states() -> dict[str, str]:
    """What vagrant says of each machine."""
    rows = (line.split(",") for line in run("vagrant", "status", "--machine-readable").splitlines())
    return {row[1]: row[3] for row in rows if row[2] == "state"}


def converge() -> dict[str, int]:
    """Converge the pair; pyinfra's totals."""
    output = run(PYINFRA, "inventory/vagrant.py", "deploy.py", "-y", "--json")
    totals: dict[str, int] = json.loads(output)["results"]["totals"]
    return totals


@pytest.fixture(scope="module")
def vagrant() -> str:
    """Debian's vagrant, installed where it is missing."""
    if shutil.which("vagrant") is None:
        run("apt-get", "update", "-q")
        run(*INSTALL)
    return run("vagrant", "--version")


@pytest.fixture(scope="module")
def machines(vagrant: str) -> Iterator[None]:
    """Both machines, up; destroyed at the end."""
    run(sys.executable, "-m", "lab", "pair", "second", "down")
    run("vagrant", "up", "--provider=docker")
    yield
    run("vagrant", "destroy", "--force")
    assert set(states().values()) == {"not_created"}


def test_the_file_is_valid_for_every_provider(vagrant: str) -> None:
    assert "validated successfully" in run("vagrant", "validate")


def test_the_machines_converge_forward_a_message_and_stay_as_they_are(machines: None) -> None:
    assert states() == dict.fromkeys(HOSTS, "running")

    assert converge()["error"] == 0
    for host in HOSTS:
        probe = run(sys.executable, "-m", "lab", "probe", "--pair", "second", "--host", host)
        assert "Through" in probe
    assert converge()["success"] == 0
