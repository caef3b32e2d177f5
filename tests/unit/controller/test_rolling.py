"""In which order exchangers converge, and what is done with each while all goes well."""

import pytest

from controller.errors import ControllerError
from controller.lock import Lock
from controller.plan.document import Place
from controller.remote import Remote
from controller.rolling import order
from controller.rolling.agent import REASON, Agent, Order
from controller.rolling.canaries import Counts, Streak
from controller.rolling.fleet import Look
from controller.rolling.gates import Clock
from controller.rolling.preflight import prepare
from controller.rolling.run import Options, converge
from tests.unit.controller.rolling_world import ALIASES, World, fleet, with_hosts
from tests.unit.roles.exchanges import DATABASE, MX1, exchange

WHOLE = ["drain", "save", "converge", "probe-peer", "undrain", "probe-forwarder", "commit"]


def steps(*names: str) -> list[str]:
    return [f"{what} {name}" for name in names for what in WHOLE]


def test_the_least_preferred_exchanger_goes_first() -> None:
    assert order(exchange()) == ["mx2", "mx1"]
    assert order(exchange(flags={"primary": "mx2"})) == ["mx1", "mx2"]


def test_each_is_out_while_it_changes_and_back_before_the_next() -> None:
    world = World(exchange())

    world.run()

    assert world.did == steps("mx2", "mx1")


def test_what_is_done_is_not_done_again() -> None:
    world = with_hosts(exchange(), mx2={"changes": ()})

    world.run()

    assert world.did == steps("mx1")


def test_nobody_is_drained_for_an_alias() -> None:
    world = with_hosts(exchange(), mx1={"changes": ALIASES}, mx2={"changes": ALIASES})

    world.run()

    assert world.did == [
        f"{what} {name}" for name in ("mx2", "mx1") for what in ("save", "converge", "commit")
    ]


def test_one_alone_is_converged_while_it_takes_mail() -> None:
    world = World(exchange(MX1))

    world.run()

    assert world.did == ["save mx1", "converge mx1", "probe-forwarder mx1", "commit mx1"]


def test_a_host_on_whom_the_one_before_still_relies_waits_until_it_may_go() -> None:
    world = World(exchange())
    world.happens["commit mx2"] = lambda: world.hosts["mx1"].promised.update(mx2=60.0)

    world.run()

    assert world.did == steps("mx2", "mx1")


def test_a_new_host_is_converged_first_and_is_not_drained() -> None:
    world = with_hosts(fleet(3), mx2={"state": "absent"})

    world.run()

    assert world.did[:4] == ["save mx2", "converge mx2", "probe-forwarder mx2", "commit mx2"]
    assert world.did[4:] == steps("mx3", "mx1")


def test_a_fresh_pair_comes_up_without_a_drain() -> None:
    world = with_hosts(exchange(), mx1={"state": "absent"}, mx2={"state": "absent"})

    world.run()

    assert world.done("drain", "undrain") == []
    assert world.done("converge") == ["converge mx2", "converge mx1"]


def test_a_host_that_drained_itself_is_converged_first_and_left_to_its_agent() -> None:
    """It was sick: what is converged may be the repair. The other one waits until it is back."""
    world = with_hosts(exchange(), mx1={"state": "drained", "cause": "forwarders"})

    world.run()

    assert world.did == ["save mx1", "converge mx1", "commit mx1", *steps("mx2")]


def test_a_host_that_an_operator_drained_stays_so() -> None:
    by_hand = Order(by="ada", reason="new disk")
    world = with_hosts(
        exchange(), mx1={"changes": ()}, mx2={"state": "drained", "order": by_hand, "cause": "it stays"}
    )

    world.run()

    assert world.hosts["mx2"].state == "drained"
    assert world.did == ["save mx2", "converge mx2", "commit mx2"]


def test_with_failover_end_it_is_seen_to_come_back() -> None:
    world = with_hosts(
        exchange(flags={"failover": "end"}),
        mx1={"changes": ()},
        mx2={"state": "drained", "cause": "forwarders"},
    )
    world.happens["converge mx2"] = lambda: setattr(world.hosts["mx2"], "state", "returning")

    world.run()

    assert world.did == ["save mx2", "converge mx2", "probe-forwarder mx2", "commit mx2"]
    assert world.hosts["mx2"].state == "active"


def test_who_is_to_go_out_of_service_is_drained_and_not_brought_back() -> None:
    world = with_hosts(exchange(flags={"drain": "mx2"}), mx2={"active": True}, mx1={"changes": ()})

    world.run()

    assert world.did == ["drain mx2", "save mx2", "converge mx2", "commit mx2"]


@pytest.mark.parametrize("drained", [True, False], ids=["drained", "back already"])
def test_a_run_that_was_broken_off_is_taken_up_where_it_stopped(drained: bool) -> None:
    before = {"state": "drained", "order": Order(by="root", reason=REASON)} if drained else {}
    world = with_hosts(exchange(), mx1={"changes": ()}, mx2={"changes": (), "unfinished": True, **before})

    world.run()

    # also where it is drained: what is left of its two hours may be a minute
    assert world.did == ["drain mx2", "probe-peer mx2", "undrain mx2", "probe-forwarder mx2", "commit mx2"]


def test_with_in_service_one_that_a_broken_off_run_has_drained_comes_back_through_its_gates() -> None:
    ours = Order(by="root", reason=REASON)
    world = with_hosts(
        exchange(), mx1={"changes": ()}, mx2={"changes": (), "state": "drained", "order": ours}
    )

    world.run(in_service=True)

    assert world.did == ["probe-peer mx2", "undrain mx2", "probe-forwarder mx2", "commit mx2"]


def test_one_that_an_operator_drains_after_it_was_looked_at_stays_so() -> None:
    world = World(exchange())

    def by_hand() -> None:
        host = world.hosts["mx1"]
        host.state, host.order, host.cause = "drained", Order(by="ada", reason="new disk"), "it stays"

    world.happens["commit mx2"] = by_hand

    world.run()

    assert world.did == [*steps("mx2"), "save mx1", "converge mx1", "commit mx1"]
    assert world.hosts["mx1"].state == "drained"


def test_a_drain_that_ended_by_itself_meanwhile_is_no_fault() -> None:
    """Its lease lapsed, as when the peer dies."""
    world = with_hosts(exchange(), mx1={"changes": ()})
    world.happens["probe-peer mx2"] = lambda: world.undrain("mx2")

    world.run()

    assert world.done("undrain", "rollback", "commit") == ["undrain mx2", "commit mx2"]


@pytest.mark.parametrize(
    ("database", "first"), [({}, ["database"]), ({"managed": False}, [])], ids=["ours", "somebody else's"]
)
def test_the_database_goes_before_those_who_follow_it_and_dns_comes_last(
    monkeypatch: pytest.MonkeyPatch, database: dict[str, object], first: list[str]
) -> None:
    world = World(exchange(alias_source="postgresql", database=DATABASE | database))
    world.remotes = {name: Remote(name, {}) for name in world.hosts}
    monkeypatch.setattr("controller.rolling.run.Lock", lambda *_: Lock([]))
    monkeypatch.setattr("controller.rolling.run.Clock", lambda: Clock(lambda: world.now, world.sleep))

    converge(world, Options())

    places = [what.split()[1] for what in world.done("converge")]
    assert places == [*first, "mx2", "mx1", "@local"]


def test_who_converges_some_hosts_locks_the_others_too_and_leaves_dns_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(exchange())
    locked: list[list[str]] = []
    world.remotes = {name: Remote(name, {}) for name in world.hosts}

    def lock(*hosts: list[Remote]) -> Lock:
        locked.extend([host.name for host in some] for some in hosts)
        return Lock([])

    monkeypatch.setattr("controller.rolling.run.Lock", lock)
    monkeypatch.setattr("controller.rolling.run.Clock", lambda: Clock(lambda: world.now, world.sleep))

    converge(world, Options(hosts=("mx1",)))

    assert locked == [["mx1"], ["mx2"]]
    assert world.did == steps("mx1")


def test_some_hosts_alone() -> None:
    world = World(exchange())

    world.run(names=["mx1"])

    assert world.did == steps("mx1")
    with pytest.raises(ControllerError, match="--host mx9: no such exchanger; allowed: mx2, mx1"):
        world.run(names=["mx9"])


# --- before any host is touched ------------------------------------------------------------------------


def test_everything_that_stands_in_the_way_is_told_at_once_and_nothing_is_touched() -> None:
    world = World(exchange())
    plan = world.plan()
    plan.hosts["mx1"] = Place(summary="", changes=[], kept=[], by_hand=[], errors=["it runs debian 11"])
    looks = {
        "mx1": Look(False, 0.0, False, Agent(state="active")),
        "mx2": Look(True, -400.0, False, Agent(state="active")),
    }

    with pytest.raises(ControllerError) as told:
        prepare(["mx2", "mx1"], looks, plan)

    for sentence in (
        "mx1: not root there",
        "mx1: it runs debian 11",
        "mx2: its clock is -400 s off",
        "Nothing was",
    ):
        assert sentence in str(told.value)


def test_a_host_that_cannot_be_reached_is_told() -> None:
    world = World(exchange())

    with pytest.raises(ControllerError, match="mx2 cannot be reached: ssh: no route"):
        prepare(["mx2"], {"mx2": "ssh: no route"}, world.plan())


def test_a_host_whose_agent_is_away_is_not_drained_blindly() -> None:
    world = with_hosts(exchange(), mx2={"state": "silent"})

    with pytest.raises(ControllerError, match=r"mx2 cannot be drained: .*--in-service"):
        world.run()

    assert world.did == []


# --- what is read of the hosts -------------------------------------------------------------------------


def test_canaries_count_in_a_row_and_a_lost_one_begins_anew() -> None:
    streak = Streak(Counts(5, 0)).on(Counts(6, 0)).on(Counts(8, 0))
    assert streak.good == 3
    assert streak.on(Counts(9, 1)).good == 0
    assert streak.on(Counts(1, 0)).good == 0, "a canary that was started anew"


def test_the_counters_of_a_canary_that_does_not_try_a_host_say_nothing() -> None:
    metrics = (
        "# TYPE twinmx_canary_arrived_total counter\n"
        'twinmx_canary_arrived_total{via="mx1"} 7.0\n'
        "# TYPE twinmx_canary_lost_total counter\n"
        'twinmx_canary_lost_total{via="mx1"} 2.0\n'
        "# TYPE twinmx_canary_refused_total counter\n"
        'twinmx_canary_refused_total{via="mx1"} 1.0\n'
    )
    assert Counts.read(metrics, "mx1") == Counts(7.0, 3.0)
    assert Counts.read(metrics, "mx2") is None


@pytest.mark.parametrize(
    ("said", "state"),
    [("{}\n", "absent"), ("", "silent"), ("curl: (7)", "silent"), ('{"state": "drained"}', "drained")],
)
def test_what_an_agent_says(said: str, state: str) -> None:
    assert Agent.read(said).state == state
