"""`twinmx upgrade`: what apt has comes onto one exchanger after the other, drained, and is then converged."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller import upgrade as module
from controller.cli import app
from controller.errors import ControllerError
from controller.lock import Lock
from controller.remote import Answer, Remote
from controller.rolling.agent import REASON
from controller.rolling.gates import Clock
from controller.rolling.run import Options
from controller.upgrade import (
    BOOT,
    CONTAINER,
    HOST,
    REBOOT_SECONDS,
    REQUIRED,
    RUN,
    Upgrading,
    Waiting,
    planned,
    upgrade,
)
from inventory.schema import Exchange
from roles.lib.changes import PackageChange
from tests.unit.controller.rolling_world import World, with_hosts
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
POSTFIX = PackageChange(name="postfix", action="upgrade", installed="3.10.4-1", at_least="3.10.5-1")
NEWER = Waiting((POSTFIX,))
WHOLE = ["drain", "save", "install", "converge", "probe-peer", "undrain", "probe-forwarder", "commit"]


class Upgraded(Upgrading, World):
    """Exchangers that nothing is to be changed on, but for what apt has. broken: where dpkg fails."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.remotes = {name: Remote(name, {}) for name in self.hosts}
        self.clock = Clock(lambda: self.now, self.sleep)
        self.apt: dict[str, Waiting | str] = dict.fromkeys(self.hosts, NEWER)
        self.broken: set[str] = set()
        for host in self.hosts.values():
            host.changes = ()

    def asked(self, name: str) -> Waiting | str:
        return self.apt[name]

    def download(self, names: Sequence[str]) -> None:
        self.did.append(f"download {' '.join(names)}")

    def install(self, name: str) -> str:
        self.note("install", name)
        if name in self.broken:
            raise ControllerError(f"{name}: dpkg: error processing package postfix (--configure)")
        waiting = self.apt[name]
        self.apt[name] = Waiting()
        return waiting.reboot if isinstance(waiting, Waiting) else ""

    def reboot(self, name: str) -> None:
        self.note("reboot", name)


class NoLock(Lock):
    """Nobody else is there; whoever is rebooted is away meanwhile."""

    def __init__(self, *_: Sequence[Remote]) -> None:
        super().__init__([])
        self._taken = [Remote("mx1", {}), Remote("mx2", {})]

    def _do(self, host: Remote, act: str, *, break_: bool = False) -> None:
        pass


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Upgraded:
    monkeypatch.setattr("controller.rolling.run.Lock", NoLock)
    return Upgraded(exchange())


def run(world: Upgraded, *hosts: str) -> None:
    world.did.clear()
    upgrade(world, Options("", hosts, keep_failed=True))


def stopped(world: Upgraded) -> str:
    with pytest.raises(ControllerError) as told:
        run(world)
    return str(told.value)


def test_each_is_drained_upgraded_converged_and_back_before_the_next(world: Upgraded) -> None:
    run(world)

    whole = [f"{what} {name}" for name in ("mx2", "mx1") for what in WHOLE]
    assert world.did == ["download mx2 mx1", *whole], "and neither the database nor DNS"


def test_where_apt_has_nothing_nobody_is_drained(world: Upgraded) -> None:
    run(world)
    run(world)

    assert world.did == ["download mx2 mx1"]


def test_one_that_was_upgraded_already_is_not_drained_again(world: Upgraded) -> None:
    world.apt["mx2"] = Waiting()

    run(world)

    assert world.did[1:] == [f"{what} mx1" for what in WHOLE]


def test_some_hosts_alone(world: Upgraded) -> None:
    run(world, "mx1")

    assert world.did == ["download mx1", *(f"{what} mx1" for what in WHOLE)]


def test_a_new_kernel_is_booted_before_the_converge(world: Upgraded) -> None:
    world.apt["mx2"] = Waiting((POSTFIX,), reboot=HOST)

    run(world, "mx2")

    assert world.did[1:6] == ["drain mx2", "save mx2", "install mx2", "reboot mx2", "converge mx2"]


def test_a_reboot_that_an_earlier_update_has_left_is_made_up_for(world: Upgraded) -> None:
    world.apt = {"mx1": Waiting(), "mx2": Waiting(reboot=HOST)}

    run(world)

    assert world.did[1:5] == ["drain mx2", "save mx2", "reboot mx2", "converge mx2"]


def test_a_container_is_not_rebooted_and_that_is_said(
    world: Upgraded, capsys: pytest.CaptureFixture[str]
) -> None:
    world.apt["mx2"] = Waiting((POSTFIX,), reboot=CONTAINER)

    run(world)

    assert world.done("reboot") == []
    assert "mx2: /run/reboot-required is there: a container" in " ".join(capsys.readouterr().out.split())


def test_one_that_fails_stays_out_as_it_is_and_the_same_command_goes_on(world: Upgraded) -> None:
    """Files of before under programs of after would be a state that nobody has tried."""
    world.broken = {"mx2"}

    told = stopped(world)

    assert "dpkg: error processing package postfix" in told
    assert "It is left as it is. It stays drained" in told
    assert "Not touched: mx1" in told
    assert world.did[-2:] == ["install mx2", "keep-out mx2"]
    assert world.done("rollback", "converge") == []

    world.broken = set()
    run(world)

    assert world.did == ["download mx2 mx1", *(f"{what} {name}" for name in ("mx2", "mx1") for what in WHOLE)]
    assert {host.state for host in world.hosts.values()} == {"active"}


@pytest.mark.parametrize(
    ("apt", "why"),
    [
        (Waiting((POSTFIX,), removed=("exim4", "ssmtp")), "mx1: apt would remove exim4, ssmtp: see"),
        ("apt: E: Failed to fetch …", "mx1: apt: E: Failed to fetch …"),
    ],
    ids=["it would remove", "no mirror"],
)
def test_what_stands_in_the_way_is_told_before_anything_is_touched(
    world: Upgraded, apt: Waiting | str, why: str
) -> None:
    world.apt["mx1"] = apt

    told = stopped(world)

    assert why in told
    assert "Nothing was touched." in told
    assert world.did == []


def test_the_plan_has_packages_and_the_reboot_of_those_who_are_asked_for(world: Upgraded) -> None:
    world.apt["mx2"] = Waiting((POSTFIX,), reboot=HOST)

    plan = planned(world, ["mx2"])

    assert [change.headline for change in plan.hosts["mx2"].changes] == [
        "~ package postfix: 3.10.4-1 → 3.10.5-1 or newer",
        f"restart the whole host: {REQUIRED}",
    ]
    assert (list(plan.hosts), plan.hosts["mx2"].summary, plan.status) == (["mx2"], "1 package, 1 restart", 2)
    assert world.did == []

    world.apt["mx2"] = Waiting()
    assert planned(world, ["mx2"]).status == 0


@pytest.mark.parametrize(("apt", "status"), [(NEWER, 2), (Waiting(), 0), ("apt: no mirror", 1)])
def test_the_dry_run_touches_nothing_and_its_status_tells(
    world: Upgraded, monkeypatch: pytest.MonkeyPatch, apt: Waiting | str, status: int
) -> None:
    world.apt = dict.fromkeys(world.hosts, apt)
    monkeypatch.setattr("controller.cli.rolling.fleet_of", lambda *_: world)
    monkeypatch.setattr("controller.cli.Upgrading", lambda *_: world)

    done = CliRunner().invoke(app, ["upgrade", "inventory/lab.py", "--dry-run"])

    assert done.exit_code == status, done.output
    assert world.did == []


def test_an_operator_s_drain_stays(world: Upgraded) -> None:
    host = with_hosts(exchange()).hosts["mx2"]
    host.state, host.cause, host.changes = "drained", "it stays", ()
    world.hosts["mx2"] = host

    run(world, "mx2")

    assert world.did == ["download mx2", "save mx2", "install mx2", "converge mx2", "commit mx2"]


# --- what is read of the hosts, and run there ----------------------------------------------------------


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
