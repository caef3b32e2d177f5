"""Two agents as programs: they look, ask each other, close the port, remember, and obey operators."""

import asyncio

import aiohttp
import pytest

from tests.unit.twinmx.failover_pair import Closed, HostUnderTest, Pair, has_done, is_, until


async def test_a_sick_host_drains_while_its_peer_promises_to_stay(pair: Pair, closed: Closed) -> None:
    sick, other = pair
    sick.programs.well = False

    async def shows_it() -> bool:
        return 'twinmx_failover_state{state="drained"} 1.0' in await sick.page("/metrics")

    await until(shows_it)

    assert sick.drained
    assert not other.drained
    assert any(seconds is not None and 1 < seconds <= 2 for seconds in closed)
    assert await has_done(sick, "drain", "drained")
    state, theirs = await sick.state(), await other.state()
    assert (state["cause"], state["bad"], state["well"]) == ("forwarders", ["forwarders"], False)
    assert state["holds"]["peer"] == "mx2"
    assert state["demoted"] == ["mx1"]
    assert theirs["promised"].keys() == {"mx1"}
    assert (theirs["state"], theirs["well"], theirs["promises"]) == ("active", True, True)
    metrics = await sick.page("/metrics")
    assert 'twinmx_failover_evidence{rule="forwarders"} 1.0' in metrics
    assert 'twinmx_failover_acts_total{act="drain"} 1.0' in metrics
    assert 'twinmx_failover_peer_reachable{peer="mx2"} 1.0' in metrics


async def test_the_second_sick_host_stays(pair: Pair) -> None:
    one, two = pair
    one.programs.well = two.programs.well = False

    async def both_know() -> bool:
        return all([(await host.state())["bad"] == ["forwarders"] for host in pair])

    await until(both_know)
    for host in pair:
        assert not (await host.state())["promises"]
    await asyncio.gather(*(until(lambda host=host: _later(host)) for host in pair))  # type: ignore[misc]

    assert not one.drained
    assert not two.drained


async def _later(host: HostUnderTest, seconds: float = 1.0) -> bool:
    """Whether the host is still active, five periods from now."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        assert await is_(host, "active")
        await asyncio.sleep(0.05)
    return True


async def test_a_drain_survives_its_agent_and_ends_with_an_order(pair: Pair) -> None:
    host, _ = pair
    status, state = await host.operator("POST", "/drain", by="ada", reason="new disk")
    assert (status, state["order"]["by"], state["cause"]) == (200, "ada", "ordered by ada: new disk")
    assert host.drained

    await host.stop()
    assert host.drained, "the lease outlives the agent"
    await host.start()
    await until(lambda: is_(host, "drained"))

    status, state = await host.operator("POST", "/undrain", by="ada")
    assert status == 200
    assert not host.drained
    await until(lambda: has_done(host, "drain", "drained", "return", "active"))


async def test_a_converge_ends_what_the_agent_did_by_itself(pair: Pair) -> None:
    host, _ = pair
    host.programs.well = False
    await until(lambda: is_(host, "draining", "drained"))

    status, state = await host.operator("POST", "/end", by="converge", reason="--data failover=end")

    assert (status, state["state"], state["demoted"]) == (200, "returning", [])
    assert not host.drained
    assert (state["acts"][-1]["name"], state["acts"][-1]["automatic"]) == ("return", False)


@pytest.mark.parametrize(
    ("path", "order", "status", "says"),
    [
        ("/end", {"by": "converge"}, 409, "nobody out of service by itself"),
        ("/undrain", {"by": "ada"}, 409, "this host is not drained"),
        ("/release", {"by": "ada"}, 409, "nobody holds this agent"),
        ("/drain", {"reason": "who?"}, 400, "no order"),
        ("/drain", {"by": "ada", "seconds": -1}, 400, "no order"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    pair: Pair, path: str, order: dict[str, object], status: int, says: str
) -> None:
    answered, said = await pair[0].operator("POST", path, **order)

    assert answered == status
    assert says in said["refused"]


async def test_the_last_host_is_not_drained(pair: Pair) -> None:
    """First its peer is sick, then that has drained itself, with a promise from this one."""
    host, other = pair
    other.programs.well = False

    async def knows() -> bool:
        return "forwarders" in (await other.state())["bad"]

    async def refused() -> bool:
        status, said = await host.operator("POST", "/drain", by="ada")
        assert status == 409
        assert not host.drained
        return "mx2 is drained and relies on this host" in said["refused"]

    await until(knows)
    await until(refused)


async def test_a_held_agent_recommends(pair: Pair) -> None:
    host, _ = pair
    await host.operator("POST", "/hold", by="ada", reason="I am on it")
    host.programs.well = False

    async def recommends() -> bool:
        return bool((await host.state())["recommends"] == ["drain mx1: forwarders"])

    await until(recommends)
    assert not host.drained
    assert (await host.state())["hold"]["by"] == "ada"
    await host.operator("POST", "/release", by="ada")
    await until(lambda: is_(host, "draining", "drained"))


async def test_a_dead_peer_is_demoted_and_a_drained_host_comes_back(pair: Pair) -> None:
    host, other = pair
    await host.operator("POST", "/drain", by="ada")
    await other.stop()
    await other.programs.stop()

    await until(lambda: has_done(host, "drain", "drained", "lapse", "active"))

    assert not host.drained


async def test_promises_are_on_disk_before_they_are_given(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, other = pair

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    before = other.remembered
    with monkeypatch.context() as disk:
        disk.setattr("twinmx.failover.store.os.fsync", full)
        status, said = await host.operator("POST", "/drain", by="ada")

    assert status == 409
    assert "cannot remember a promise" in said["refused"]
    assert other.remembered == before
    assert not host.drained
    await other.operator("POST", "/hold", by="ada")
    assert other.remembered["state"]["given"] == {}, "nor with what is saved next"


async def test_strangers_get_no_promise(pair: Pair) -> None:
    _, other = pair
    url = f"http://{other.programs.address}:{other.settings.port}/promise"
    async with aiohttp.ClientSession() as client, client.post(url, data=b"{}") as response:
        assert response.status == 403
    assert (await other.page("/healthz")) == "ok\n"
    assert (await other.state())["promised"] == {}
