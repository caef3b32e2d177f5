"""pyinfra itself: a bad inventory or flag ends the command before any connection, with one clear line.

The hosts' SSH address is a socket of the test, which must see no one.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.unit.inventory.files import Files, line_of, spoil

ROOT = Path(__file__).parents[3]
HOSTS = """\
from inventory.hosts import hosts_of

exchangers, databases, controller = hosts_of(
    {facts!r}, connection={{"ssh_hostname": "127.0.0.1", "ssh_port": {port}, "ssh_connect_retries": 0}}
)
exchangers = exchangers[:1]
controller = []
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def inventory(files: Files, tmp_path: Path, listener: socket.socket) -> Path:
    file = tmp_path / "pair.py"
    file.write_text(HOSTS.format(facts=str(files.facts), port=listener.getsockname()[1]))
    return file


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    file = tmp_path / "deploy.py"
    file.write_text("from pyinfra.operations import server\n\nserver.shell(name='Say it', commands='true')\n")
    return file


def _start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [Path(sys.executable).with_name("pyinfra"), *arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


class Ended(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    told: str


def _pyinfra(*arguments: str | Path) -> Ended:
    with _start(*arguments) as running:
        out, told = running.communicate(timeout=60)
        return Ended(running.returncode, out, told)


def _was_called(listener: socket.socket) -> bool:
    listener.setblocking(False)
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


QUICK = """\
from functools import partial

from paramiko.transport import Transport
from pyinfra.api import util

from inventory.hosts import hosts_of

exchangers, databases, controller = hosts_of({facts!r}, connection={{}})
assert "delay" in Transport.start_client.__name__
assert isinstance(util.stack, partial)
"""


def test_every_inventory_is_connected_to_without_delay_and_its_operations_need_no_source_code(
    files: Files, tmp_path: Path
) -> None:
    inventory = tmp_path / "quick.py"
    inventory.write_text(QUICK.format(facts=str(files.facts)))

    quick = _pyinfra(inventory, "debug-inventory")
    as_pyinfra_comes = _pyinfra(inventory, "debug-inventory", "--config", os.devnull)

    assert quick.code == 0, quick.told
    assert "AssertionError" in as_pyinfra_comes.told, "inventories alone change nothing"


def test_a_good_inventory_is_connected_to(inventory: Path, deploy: Path, listener: socket.socket) -> None:
    """Else the silence in the tests below would prove nothing."""
    listener.settimeout(60)
    with _start(inventory, deploy, "--dry", "--json", "--data", "workers=12") as running:
        listener.accept()[0].close()
        running.communicate(timeout=60)


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        (
            "worker=12",
            "--data worker=12: no such flag. Did you mean workers? Allowed: drill, drain, primary, workers",
        ),
        ("drain=mx9", "--data drain=mx9: there is no exchanger 'mx9'; allowed: mx1, mx2"),
        ("workers=0", "--data workers=0: forwarder.workers: '0'; allowed: a whole number from 1 to 64"),
    ],
)
def test_a_bad_flag_ends_the_command(
    inventory: Path, deploy: Path, listener: socket.socket, flag: str, says: str
) -> None:
    ended = _pyinfra(inventory, deploy, "--dry", "--data", flag)

    assert ended.code != 0
    assert any(line.strip().startswith(says) for line in ended.told.splitlines()), ended.told
    assert "Traceback" not in ended.told
    assert not _was_called(listener)


def test_each_mistake_of_a_broken_inventory_is_told_on_a_line(
    inventory: Path, deploy: Path, listener: socket.socket, files: Files
) -> None:
    spoil(files.facts, "workers: 3", "workers: 0")
    spoil(files.facts, "ttl: 300", "tttl: 300")

    ended = _pyinfra(inventory, deploy, "--dry")

    assert ended.code != 0
    lines = [line.strip() for line in ended.told.splitlines()]
    for at, says in (("workers: 0", "forwarder.workers: 0; allowed"), ("tttl", "dns.tttl: no such key")):
        assert any(line.startswith(f"{files.facts}:{line_of(files.facts, at)}: {says}") for line in lines)
    assert "Traceback" not in ended.told
    assert not _was_called(listener)


def test_flags_and_connector_data_reach_the_hosts(inventory: Path, listener: socket.socket) -> None:
    ended = _pyinfra(inventory, "debug-inventory", "--json", "--data", "workers=12", "--data", "ssh_user=joe")

    assert ended.code == 0, ended.told
    (host,) = json.loads(ended.out)
    assert host["data"]["exchange"]["forwarder"]["workers"] == 12
    assert host["data"]["ssh_user"] == "joe"
    assert not _was_called(listener)
