"""`twinmx upgrade`: what apt has comes onto one exchanger after the other, drained, and is then converged."""

from collections.abc import Sequence

import pytest
from typer.testing import CliRunner

from controller.cli import app
from controller.errors import ControllerError
from controller.lock import Lock
from controller.remote import Remote
from controller.rolling.gates import Clock
from controller.rolling.run import Options
from controller.upgrade import (
    CONTAINER,
    HOST,
    REQUIRED,
    Upgrading,
    Waiting,
    planned,
    upgrade,
)
from inventory.schema import Exchange
from roles.lib.changes import PackageChange
from tests.unit.controller.rolling_world import World, with_hosts
from tests.unit.roles.exchanges import exchange

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
