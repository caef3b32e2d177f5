"""A host that does not pass a gate stops the converge, and goes back to what it was; mail goes on."""

from pathlib import Path
from typing import Any

import pytest

from controller.errors import ControllerError
from controller.lock import Lock
from controller.rolling.agent import REASON, Order
from controller.rolling.gates import Clock
from controller.rolling.preflight import prepare
from controller.rolling.run import Options, Run
from tests.unit.controller.rolling_world import ALIASES, World, with_hosts
from tests.unit.roles.exchanges import exchange

GATES = [
    pytest.param("converge", "forwarder: not healthy", id="a wheel that crashes at start"),
    pytest.param("well", "finds it well", id="its agent finds it bad"),
    pytest.param("peer", "451 4.3.0", id="a gate or Postfix that refuses all mail"),
    pytest.param("forwarder", "451 4.3.0", id="a forwarder that answers 451 to all"),
    pytest.param("greets", "does not take mail on port 25", id="closed to the world"),
    pytest.param("canaries", "the canaries come back through it", id="canaries that are lost"),
]


def stopped(world: World, **options: Any) -> str:
    with pytest.raises(ControllerError) as told:
        world.run(**options)
    return str(told.value)


@pytest.mark.parametrize(("gate", "said"), GATES)
def test_it_goes_back_by_itself_and_the_others_are_not_touched(gate: str, said: str) -> None:
    world = with_hosts(exchange(), mx2={"bad": {gate}})

    told = stopped(world)

    assert said in told
    assert "log of mx2" in told
    assert "It was taken back to what it was before." in told
    assert "Not touched: mx1, DNS. Way out:" in told
    assert world.did[-2:] == ["rollback mx2", "undrain mx2"]
    assert world.hosts["mx2"].serves
    assert world.done("commit") == []
    assert [what for what in world.did if what.endswith("mx1")] == []


def test_it_is_out_of_service_whenever_it_is_rolled_back() -> None:
    world = with_hosts(exchange(), mx2={"bad": {"forwarder"}})

    stopped(world)

    assert world.done("drain", "undrain", "rollback") == [
        "drain mx2",
        "undrain mx2",
        "drain mx2",
        "rollback mx2",
        "undrain mx2",
    ]


def test_one_that_returned_by_itself_meanwhile_is_drained_again_before_it_goes_back() -> None:
    world = with_hosts(exchange(), mx2={"bad": {"well"}})
    world.happens["probe-peer mx2"] = lambda: world.undrain("mx2")

    stopped(world)

    assert world.did[-3:] == ["drain mx2", "rollback mx2", "undrain mx2"]


def test_one_that_cannot_go_back_stays_drained() -> None:
    world = with_hosts(exchange(), mx2={"bad": {"converge", "rollback"}})

    told = stopped(world)

    assert "there is nothing to go back to" in told
    assert "It stays drained: `mxctl undrain` on mx2 brings it back." in told
    assert world.did[-1] == "keep-out mx2"
    assert world.hosts["mx2"].state == "drained"


def test_one_that_is_good_is_not_taken_out_because_nobody_could_write_that_down() -> None:
    world = with_hosts(exchange(), mx2={"bad": {"commit"}})

    told = stopped(world)

    assert "mx2: Connection closed\nIt has passed its gates" in told
    assert world.did[-1] == "commit mx2"
    assert world.hosts["mx2"].state == "active"


def test_it_can_be_kept_to_be_looked_at() -> None:
    world = with_hosts(exchange(), mx2={"bad": {"peer"}})

    told = stopped(world, keep_failed=True)

    assert "It is left as it is. It stays drained" in told
    assert world.done("rollback") == []


def test_a_new_host_that_fails_is_left_as_it_is() -> None:
    world = with_hosts(exchange(), mx2={"state": "absent", "bad": {"forwarder"}})

    assert "It was no exchanger before" in stopped(world)
    assert world.done("rollback", "drain", "keep-out") == []


def test_an_operator_s_drain_outlasts_a_rollback() -> None:
    by_hand = Order(by="ada", reason="new disk")
    world = with_hosts(
        exchange(), mx2={"state": "drained", "order": by_hand, "bad": {"converge"}, "cause": "it stays"}
    )

    stopped(world)

    assert world.did == ["save mx2", "converge mx2", "rollback mx2"]
    assert world.hosts["mx2"].state == "drained"


def test_an_operator_s_drain_is_not_taken_over_where_there_is_no_way_back() -> None:
    """The next run would take it for its own, and end it."""
    by_hand = Order(by="ada", reason="new disk")
    world = with_hosts(
        exchange(),
        mx2={"state": "drained", "order": by_hand, "bad": {"converge", "rollback"}, "cause": "it stays"},
    )

    assert "It is drained as before" in stopped(world)
    assert world.hosts["mx2"].order == by_hand


def test_with_in_service_nobody_is_drained_even_where_there_is_no_way_back() -> None:
    world = with_hosts(exchange(), mx2={"bad": {"forwarder", "rollback"}})

    assert "It takes mail: --in-service." in stopped(world, in_service=True)
    assert world.done("drain", "keep-out") == []


def test_what_was_done_without_a_drain_goes_back_without_one() -> None:
    world = with_hosts(exchange(), mx2={"changes": ALIASES, "bad": {"greets"}})

    stopped(world)

    assert world.did == ["save mx2", "converge mx2", "rollback mx2"]


def test_the_operator_s_gate_is_asked_of_every_host_in_service_and_stops_at_the_first(
    tmp_path: Path,
) -> None:
    world = with_hosts(exchange(), mx1={"changes": ()}, mx2={"changes": ()})
    world.run(gate=f"echo {{name}} >>{tmp_path}/asked")
    assert (tmp_path / "asked").read_text().split() == ["mx2", "mx1"]

    told = stopped(world, gate="test {name} = nobody")

    assert "mx2: the gate failed for mx2: test mx2 = nobody" in told
    assert "It was not changed." in told
    assert "Not touched: mx1, DNS" in told
    assert world.did == []


@pytest.mark.parametrize(
    "peer", [{"well": False}, {"state": "drained", "cause": "it stays"}, {"state": "silent"}], ids=str
)
def test_nobody_is_drained_while_the_peer_cannot_carry_the_mail(peer: dict[str, object]) -> None:
    world = with_hosts(exchange(), mx1={"changes": (), **peer})

    told = stopped(world)

    assert "the other exchangers carry the mail" in told
    assert "mx1: it" in told
    assert "It was not changed." in told
    assert world.did == []
    assert world.now >= world.exchange.rolling.patience_seconds, "it may come back by itself"


def test_with_in_service_it_is_converged_all_the_same() -> None:
    world = with_hosts(exchange(), mx1={"changes": (), "well": False})

    world.run(in_service=True)

    assert world.did == ["save mx2", "converge mx2", "probe-forwarder mx2", "commit mx2"]


@pytest.mark.parametrize("fault", ["drain", "save"])
def test_one_that_could_not_go_out_in_good_order_takes_mail_again(fault: str) -> None:
    """The answer to the drain may be lost where the drain is not; the disk may be full."""
    world = with_hosts(exchange(), mx2={"bad": {fault}})

    assert "It was not changed." in stopped(world)

    assert world.did[-1] == "undrain mx2"
    assert world.done("converge") == []


def test_one_that_was_left_half_changed_does_not_take_mail_because_its_disk_is_full() -> None:
    ours = Order(by="root", reason=REASON)
    world = with_hosts(
        exchange(), mx2={"bad": {"save"}, "unfinished": True, "state": "drained", "order": ours}
    )

    assert "mx2 is drained, and returns by itself within two hours" in stopped(world)

    assert world.done("undrain") == []


@pytest.mark.parametrize("step", ["drain", "save", "converge", "probe-peer"])
def test_ctrl_c_says_who_is_drained_and_how_to_go_on(step: str) -> None:
    world = World(exchange())

    def interrupt() -> None:
        raise KeyboardInterrupt

    world.happens[f"{step} mx2"] = interrupt

    told = stopped(world)

    assert "not finished: mx2, mx1, DNS" in told
    assert "mx2 is drained, and returns by itself within two hours" in told


def test_a_run_that_lost_its_lock_touches_no_further_host() -> None:
    """Somebody else broke it meanwhile."""
    world, lock = World(exchange()), Lock([])
    world.happens["commit mx2"] = lambda: setattr(lock, "lost", "mx1: the lock was taken by ada")
    prepared = prepare(["mx2", "mx1"], world.looks(), world.plan())

    with pytest.raises(ControllerError, match="no longer has its lock"):
        Run(world, Options(), lock, Clock(lambda: world.now, world.sleep)).carry_out(prepared)

    assert world.did[-1] == "commit mx2"


@pytest.mark.parametrize("lost_at", ["drain", "converge", "probe-forwarder"])
@pytest.mark.parametrize("fails", [set(), {"canaries"}], ids=["well", "bad"])
def test_a_run_that_lost_its_lock_leaves_the_host_to_the_other_run(lost_at: str, fails: set[str]) -> None:
    """What it kept, and the drain, are the other one's to go on with."""
    world, lock = with_hosts(exchange(), mx2={"bad": fails}), Lock([])
    world.happens[f"{lost_at} mx2"] = lambda: setattr(lock, "lost", "mx2: the lock was taken by ada")
    prepared = prepare(["mx2", "mx1"], world.looks(), world.plan())

    with pytest.raises(ControllerError, match="no longer has its lock"):
        Run(world, Options(), lock, Clock(lambda: world.now, world.sleep)).carry_out(prepared)

    assert world.done("commit", "rollback", "keep-out") == []
    assert (world.hosts["mx2"].state == "drained") == (lost_at != "probe-forwarder")
    assert [what for what in world.did if what.endswith("mx1")] == []
