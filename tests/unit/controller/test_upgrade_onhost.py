"""What `twinmx upgrade` reads of a host, and runs there."""

import os
import subprocess
from pathlib import Path

import pytest

from controller import upgrade as module
from controller.errors import ControllerError
from controller.remote import Answer, Remote
from controller.rolling.agent import REASON
from controller.rolling.gates import Clock
from controller.upgrade import (
    BOOT,
    HOST,
    REBOOT_SECONDS,
    RUN,
    Upgrading,
    Waiting,
)
from tests.unit.roles.exchanges import exchange

SIMULATED = """NOTE: This is only a simulation!
Reading package lists...
The following NEW packages will be installed:
  linux-image-6.12.50-amd64
Inst libssl3t64 [3.5.1-1] (3.5.4-1~deb13u1 Debian:13.2/stable [amd64])
Conf libssl3t64 (3.5.4-1~deb13u1 Debian:13.2/stable [amd64])
Inst linux-image-6.12.50-amd64 (6.12.50-1 Debian:13.2/stable [amd64])
Inst postfix [3.10.4-1] (3.10.5-1 Debian:13.2/stable [amd64]) []
Conf linux-image-6.12.50-amd64 (6.12.50-1 Debian:13.2/stable [amd64])
Conf postfix (3.10.5-1 Debian:13.2/stable [amd64])
Conf rspamd (3.12.1-1 Debian:13.2/stable [amd64])
"""


def test_what_apt_would_do() -> None:
    seen = Waiting.read(SIMULATED + "reboot host\n")

    assert [(one.name, one.action, one.installed, one.at_least) for one in seen.packages] == [
        ("libssl3t64", "upgrade", "3.5.1-1", "3.5.4-1~deb13u1"),
        ("linux-image-6.12.50-amd64", "install", None, None),
        ("postfix", "upgrade", "3.10.4-1", "3.10.5-1"),
        ("rspamd", "upgrade", None, None),
    ]
    assert (seen.removed, seen.reboot) == ((), HOST)
    assert Waiting.read("Reading package lists...\n") == Waiting()
    assert Waiting.read("Remv exim4 [4.98.2-1]\n").removed == ("exim4",)


PROGRAM = """#!/bin/sh
called="{name} $*"
echo "${{called%%
*}}" >>{log}
{rest}
"""


SYSTEMCTL = """cd {folder}
case $1 in
  show) # the first answer is lost: systemd executes itself anew
    test -e asked || {{ touch asked; exit 1; }}
    if [ -e failed ]; then echo failed; else echo inactive; fi ;;
  reset-failed) rm -f failed ;;
esac"""


class Machine:
    """Programs of a host that write down how they are called."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.has("systemctl", SYSTEMCTL)
        self.has("systemd-run", 'while [ "$1" != sh ]; do shift; done; "$@" || touch {folder}/failed')
        self.has("systemd-detect-virt", "exit 1")
        self.has("sleep")
        self.has("dpkg")
        self.has("apt-get")
        self.has("journalctl", "echo 'dpkg: error processing package postfix'")

    def has(self, name: str, rest: str = "exit 0") -> None:
        file = self._folder / name
        rest = rest.format(folder=self._folder)
        file.write_text(PROGRAM.format(name=name, log=self._folder / "log", rest=rest))
        file.chmod(0o755)

    def runs(self, script: str) -> subprocess.CompletedProcess[str]:
        path = f"{self._folder}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PATH": path}
        return subprocess.run(
            ["sh", "-c", script], env=environment, capture_output=True, text=True, check=False
        )

    def called(self, *names: str) -> list[str]:
        lines = (self._folder / "log").read_text().splitlines()
        return [line for line in lines if line.partition(" ")[0] in names]


def test_it_installs_keeps_our_files_and_removes_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    done = machine.runs(RUN)

    assert done.returncode == 0, done.stderr
    (installed,) = machine.called("apt-get")
    assert installed.endswith("dist-upgrade")
    for option in ("--no-remove", "=--force-confold", "=--force-confdef", "-y"):
        assert option in installed
    (unit,) = machine.called("systemd-run")
    assert "--unit=twinmx-upgrade" in unit, "it goes on when the connection is cut off"
    assert machine.called("dpkg") == ["dpkg --audit"]


def test_what_was_unpacked_and_not_configured_is_finished_first(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.has("dpkg", 'test "$1" = --audit && echo "postfix is half configured"; exit 0')

    assert machine.runs(RUN).returncode == 0

    assert machine.called("dpkg")[-1] == "dpkg --force-confdef --force-confold --configure --pending"


def test_why_it_failed_is_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.has("apt-get", "exit 100")

    done = machine.runs(RUN)

    assert (done.returncode, done.stderr) == (1, "dpkg: error processing package postfix\n")

    machine.has("apt-get")
    assert machine.runs(RUN).returncode == 0, "a failure of before is none of now"


def test_a_service_on_a_replaced_library_is_restarted_and_the_upgrade_itself_is_not(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.has("grep", 'case $1 in -ls*) echo /proc/1/maps;; *) exec /usr/bin/grep "$@";; esac')
    machine.has("sed", "printf 'rspamd.service\\ntwinmx-upgrade.service\\nsystemd-journald.service\\n'")
    machine.has("head", "exec cat")

    assert machine.runs(RUN).returncode == 0

    restarted = [call for call in machine.called("systemctl") if "restart" in call]
    assert restarted == ["systemctl try-restart rspamd.service"]


class Booting(Remote):
    """A host that is away for some looks after its reboot."""

    looks = 0
    away = 2

    def try_(self, command: str, *, given: str = "", seconds: float = 60) -> Answer:
        if BOOT not in command:
            return Answer(0, "", "")
        Booting.looks += 1
        if Booting.looks == 1:
            return Answer(0, "one\n", "")
        if Booting.looks <= Booting.away:
            return Answer(255, "", "Connection refused")
        return Answer(0, "one\n" if Booting.looks < Booting.away + 3 else "two\n", "")


@pytest.mark.parametrize(("away", "back"), [(4, True), (10_000, False)])
def test_a_reboot_is_waited_for_until_the_host_is_another_boot(
    monkeypatch: pytest.MonkeyPatch, away: int, back: bool
) -> None:
    monkeypatch.setattr(Booting, "looks", 0)
    monkeypatch.setattr(Booting, "away", away)
    fleet = Upgrading("inventory/lab.py", exchange(), {}, {"mx1": Booting("mx1", {})})
    now = [0.0]
    fleet.clock = Clock(lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))

    if back:
        fleet.reboot("mx1")
        assert Booting.looks == away + 3
    else:
        with pytest.raises(ControllerError, match="mx1: not back 900 s after its reboot"):
            fleet.reboot("mx1")
        assert now[0] >= REBOOT_SECONDS


def test_the_drain_outlasts_the_installation() -> None:
    assert module.INSTALL_SECONDS + REBOOT_SECONDS < 2 * 3600, f"of {REASON}"
