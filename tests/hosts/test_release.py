"""The programs' release on the host."""

import pytest

from inventory.schema import Exchange
from roles.lib.wheelhouse import wheelhouse
from roles.release import PROGRAMS
from tests.hosts.asking import Host

pytestmark = pytest.mark.role("release")

HOME = "/opt/twinmx"


def test_the_current_release_is_that_of_this_checkout(host: Host) -> None:
    assert host.file(f"{HOME}/current").linked_to == f"{HOME}/releases/{wheelhouse().version}"


def test_one_release_is_kept_to_go_back_to_and_no_more(host: Host) -> None:
    assert len(host.file(f"{HOME}/releases").listdir()) <= 2


def test_every_worker_runs_the_current_release(host: Host, exchange: Exchange) -> None:
    release = host.file(f"{HOME}/current").linked_to
    workers = host.check_output("systemctl show -P MainPID 'forwarder@*.service'").split()
    running = host.check_output(f"ps -o args= -p {','.join(workers)}").splitlines()

    assert len(running) == exchange.forwarder.workers
    for line in running:
        assert line.startswith(f"{release}/bin/python3 ")


@pytest.mark.parametrize("program", PROGRAMS)
def test_its_programs_start(host: Host, program: str) -> None:
    assert host.run(f"{HOME}/current/bin/{program} --help").rc == 0


def test_what_is_installed_fits_together(host: Host) -> None:
    assert host.run(f"{HOME}/current/bin/pip --disable-pip-version-check check").rc == 0


def test_only_root_can_change_it(host: Host) -> None:
    assert host.check_output(f"find -L {HOME}/current '(' ! -user root -o -perm /022 ')' -print") == ""


def test_the_operator_s_command_is_on_the_path(host: Host) -> None:
    assert "quarantine" in host.check_output("mxctl --help")
