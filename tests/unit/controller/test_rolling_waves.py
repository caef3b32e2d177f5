"""More than two exchangers: how many go out together, and what ends a wave early."""

import pytest

from controller.errors import ControllerError
from controller.rolling.waves import may_be_out
from tests.unit.controller.rolling_world import World, fleet, with_hosts


@pytest.mark.parametrize(
    ("hosts", "percent", "out"), [(2, 50, 1), (2, 34, 1), (8, 34, 2), (8, 50, 4), (1, 1, 1)]
)
def test_how_many_may_be_out_at_once(hosts: int, percent: int, out: int) -> None:
    assert may_be_out(fleet(hosts, out_percent=percent)) == out


def test_a_fleet_goes_in_waves_that_never_take_more_than_its_share_out() -> None:
    world = World(fleet(5, out_percent=40))

    world.run()

    assert world.done("converge") == [f"converge mx{number}" for number in (5, 4, 3, 2, 1)]
    assert world.did.index("drain mx4") < world.did.index("converge mx5"), "two at once"


def test_a_wave_is_smaller_while_somebody_else_is_out() -> None:
    world = with_hosts(fleet(5, out_percent=40), mx1={"changes": (), "state": "drained", "cause": "it stays"})

    world.run()

    assert world.done("converge") == [f"converge mx{number}" for number in (5, 4, 3, 2)]
    assert world.did.index("drain mx4") > world.did.index("commit mx5"), "one by one"


def test_who_is_relied_on_within_a_wave_goes_with_the_next() -> None:
    world = World(fleet(4, out_percent=50))
    world.happens["drain mx4"] = lambda: world.hosts["mx3"].promised.update(mx4=60.0)

    world.run()

    assert world.did.index("drain mx3") > world.did.index("commit mx4")
    assert len(world.done("commit")) == 4


def test_a_wave_ends_where_somebody_else_goes_out_while_it_is_drained() -> None:
    world = World(fleet(5, out_percent=40))

    def by_itself() -> None:
        world.hosts["mx1"].state, world.hosts["mx1"].cause = "drained", "forwarders"

    world.happens["drain mx5"] = by_itself

    world.run()

    assert world.did.index("drain mx4") > world.did.index("commit mx5")
    assert len(world.done("commit")) == 5


@pytest.mark.parametrize("fault", ["drain", "save"])
def test_who_cannot_go_out_within_a_wave_is_brought_back_and_told_when_its_turn_comes(fault: str) -> None:
    world = with_hosts(fleet(4, out_percent=50), mx3={"bad": {fault}})

    with pytest.raises(ControllerError, match=r"(?s)^mx3: .*It was not changed\.\n"):
        world.run()

    assert world.done("commit") == ["commit mx4"]
    assert [name for name, host in world.hosts.items() if not host.serves] == []
