"""`twinmx rollback`: by hand, and out of service meanwhile."""

import pytest

from controller import rollback as module
from controller.errors import ControllerError
from controller.lock import Lock
from controller.remote import Remote
from controller.rollback import rollback
from controller.rolling.agent import REASON, Order
from controller.rolling.gates import Clock
from tests.unit.controller.rolling_world import World, with_hosts
from tests.unit.roles.exchanges import MX1, exchange


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return ready(monkeypatch, World(exchange()))


def ready(monkeypatch: pytest.MonkeyPatch, world: World) -> World:
    world.remotes = {name: Remote(name, {}) for name in world.hosts}
    monkeypatch.setattr(module, "Lock", lambda *_: Lock([]))
    monkeypatch.setattr(module, "Clock", lambda: Clock(lambda: world.now, world.sleep))
    return world


def test_the_host_is_drained_put_back_and_returned(world: World) -> None:
    rollback(world, "mx1")

    assert world.did == ["drain mx1", "rollback mx1", "undrain mx1"]
    assert world.hosts["mx1"].state == "active"


def test_not_while_the_peer_cannot_carry_the_mail(world: World) -> None:
    world.hosts["mx2"].well = False

    with pytest.raises(ControllerError, match="the other exchangers carry the mail"):
        rollback(world, "mx1")
    assert world.did == []

    rollback(world, "mx1", in_service=True)
    assert world.did == ["rollback mx1"]


def test_a_drain_that_is_not_ours_is_left(world: World) -> None:
    host = world.hosts["mx1"]
    host.state, host.order, host.cause = "drained", Order(by="ada", reason="new disk"), "it stays"

    rollback(world, "mx1")

    assert world.did == ["rollback mx1"]
    assert host.state == "drained"


def test_where_there_is_nothing_to_go_back_to_nobody_is_drained(world: World) -> None:
    world.hosts["mx1"].bad = {"kept"}

    with pytest.raises(ControllerError, match=r"mx1: there is nothing to go back to$"):
        rollback(world, "mx1")
    assert world.did == []


def test_one_that_could_not_be_drained_in_good_order_takes_mail_again(world: World) -> None:
    world.hosts["mx1"].bad = {"drain"}

    with pytest.raises(ControllerError, match="no answer within 60 s"):
        rollback(world, "mx1")
    assert world.did == ["drain mx1", "undrain mx1"]


def test_what_a_broken_off_run_has_drained_stays_so_meanwhile(world: World) -> None:
    host = world.hosts["mx1"]
    host.state, host.order = "drained", Order(by="root", reason=REASON)

    rollback(world, "mx1")

    assert world.did == ["drain mx1", "rollback mx1", "undrain mx1"], "for two hours from now"


def test_one_that_is_not_well_afterwards_does_not_return_by_itself(world: World) -> None:
    world.hosts["mx1"].bad = {"ill"}

    with pytest.raises(ControllerError, match=r"finds it well.*\nIt stays drained"):
        rollback(world, "mx1")
    assert world.did == ["drain mx1", "rollback mx1", "keep-out mx1"]


def test_what_cannot_be_done_is_told_with_what_is_left_to_do(world: World) -> None:
    world.hosts["mx1"].bad = {"rollback"}

    with pytest.raises(ControllerError, match="nothing to go back to\nIt stays drained: `mxctl undrain`"):
        rollback(world, "mx1")


def test_one_alone_goes_back_while_it_takes_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready(monkeypatch, World(exchange(MX1)))

    rollback(world, "mx1")

    assert world.did == ["rollback mx1"]


def test_nobody_converges_another_host_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    locked: list[list[str]] = []

    def lock(*hosts: list[Remote]) -> Lock:
        locked.extend([host.name for host in some] for some in hosts)
        return Lock([])

    monkeypatch.setattr(module, "Lock", lock)

    rollback(world, "mx1")

    assert locked == [["mx1"], ["mx2"]]


def test_a_host_that_is_not_there_is_told_with_those_that_are(world: World) -> None:
    with pytest.raises(ControllerError, match="mx9: no such exchanger; allowed: mx1, mx2"):
        rollback(world, "mx9")


def test_one_without_an_answering_agent_is_not_put_back_blindly(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready(monkeypatch, with_hosts(exchange(), mx1={"state": "silent"}))

    with pytest.raises(ControllerError, match="its failover agent does not answer"):
        rollback(world, "mx1")
    assert world.did == []
