"""Two agents as programs: they look, ask each other, close the port, remember, and obey operators."""

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import aiohttp
import dns.rcode
import pytest

from tests.unit.twinmx.failover_dns import NameServer, dns_of
from tests.unit.twinmx.failover_pair import HostUnderTest
from tests.unit.twinmx.supervised import free_port
from twinmx.failover import clock, port25, store
from twinmx.failover.settings import Settings
from twinmx.failover.state import State
from twinmx.failover.store import Store

PATIENCE_SECONDS = 20
Closed = list[float | None]


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Closed:
    """What nft was told on either host: seconds that port 25 is closed, or None."""
    seen: Closed = []

    async def apply(seconds: float | None, _exempt: tuple[IPv4Address | IPv6Address, ...]) -> None:
        seen.append(seconds)

    monkeypatch.setattr(port25, "apply", apply)
    return seen


Pair = tuple[HostUnderTest, HostUnderTest]


@pytest.fixture
async def pair(tmp_path: Path, closed: Closed, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    async with running(tmp_path, monkeypatch) as hosts:
        yield hosts


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    server = NameServer("10 mx1.alias.example.", "20 mx2.alias.example.")
    await server.start()
    yield server
    server.close()


@pytest.fixture
async def served(
    tmp_path: Path, closed: Closed, monkeypatch: pytest.MonkeyPatch, server: NameServer
) -> AsyncIterator[Pair]:
    """The pair whose MX is at `server`."""
    async with running(tmp_path, monkeypatch, dns=dns_of(server)) as hosts:
        yield hosts


@asynccontextmanager
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> AsyncIterator[Pair]:
    base, smtp = free_port(6), free_port()
    monkeypatch.setattr(Settings, "smtp_port", smtp)
    hosts = tuple(HostUnderTest(name, tmp_path / name, base, **changes) for name in ("mx1", "mx2"))
    for host in hosts:
        await host.programs.start(base, smtp)
        Store(host.directory, host.directory, clock.boot_id()).save(
            State()
        )  # a new agent waits: it may have promised
        await host.start()
    for host in hosts:
        await until(lambda host=host: _is_ready(host))  # type: ignore[misc]
    yield hosts[0], hosts[1]
    for host in hosts:
        await host.stop()
        await host.programs.stop()


async def _is_ready(host: HostUnderTest) -> bool:
    """Whether it is well, and knows that the other is."""
    state = await host.state()
    return bool(state["promises"] and all(peer["fit"] for peer in state["peers"].values()))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - what it waits for is behind a socket
            await asyncio.sleep(0.02)


async def is_(host: HostUnderTest, *phases: str) -> bool:
    return (await host.state())["state"] in phases


async def has_done(host: HostUnderTest, *acts: str) -> bool:
    return [act["name"] for act in (await host.state())["acts"]] == list(acts)


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


async def test_the_status_page_shows_both_hosts(pair: Pair) -> None:
    host, other = pair
    host.programs.metrics = 'twinmx_queue_messages{instance="in",queue="deferred"} 4321\n'

    async def shows_the_queue() -> bool:
        return all(["4\u202f321" in await each.page("/") for each in pair])

    await until(shows_the_queue)
    assert "All exchangers are in service and well" in await host.page("/")
    assert (await host.state())["queues"] == {"in": 4321}

    await other.stop()
    await until(lambda: _says(host, "mx2 has been silent"))


async def _says(host: HostUnderTest, text: str) -> bool:
    return text in await host.page("/")


async def test_a_page_that_cannot_be_made_is_no_trouble_for_the_agent(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr("twinmx.failover.pages.render", broken)
    monkeypatch.setattr("twinmx.failover.figures.Figures.read", broken)

    assert "cannot be made" in await pair[0].page("/")
    pair[0].programs.well = False
    await until(lambda: is_(pair[0], "draining", "drained"))


async def test_a_demotion_that_the_name_server_refuses_is_said_everywhere_until_it_is_done(
    served: Pair, server: NameServer
) -> None:
    host, _ = served
    server.refuses_updates = dns.rcode.REFUSED
    await host.operator("POST", "/drain", by="ada")

    async def told() -> bool:
        return bool((await host.state())["faults"] == {"dns": "127.0.0.1: update: REFUSED"})

    await until(told)
    assert host.drained, "the port closes all the same"
    await until(lambda: _says(host, "unable to act in full (dns)"))
    page = await host.page("/")
    assert "dns: 127.0.0.1: update: REFUSED" in page
    assert "mx not changed alias.example" in page
    await until(lambda: _exposes(host, 'twinmx_failover_fault{what="dns"} 1.0'))

    server.refuses_updates = None
    await until(lambda: _exposes(host, 'twinmx_failover_fault{what="dns"} 0.0'))
    state = await host.state()
    assert state["faults"] == {}
    about_dns = [(act["name"], act["whom"]) for act in state["acts"] if act["name"].startswith("mx")]
    assert about_dns == [("mx not changed", "alias.example"), ("mx changed", "alias.example")]
    assert 'act="mx' not in await host.page("/metrics"), "what became of an act is no act of its own"


async def _exposes(host: HostUnderTest, line: str) -> bool:
    return line in await host.page("/metrics")


async def test_a_host_whose_disk_is_full_drains_all_the_same(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, other = pair
    written = store._write

    def full(path: Path, content: bytes) -> None:
        if path.name == "state.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        written(path, content)

    monkeypatch.setattr(store, "_write", full)
    host.programs.well = False
    await until(lambda: is_(host, "draining", "drained"))

    assert (await host.state())["faults"] == {"state": "[Errno 28] No space left on device"}
    await until(lambda: _exposes(host, 'twinmx_failover_fault{what="state"} 1.0'))
    await host.stop()
    await host.start()
    assert await is_(host, "draining", "drained"), "a new agent knows"
    assert (await other.state())["promised"].keys() == {"mx1"}

    monkeypatch.setattr(store, "_write", written)
    await until(lambda: _exposes(host, 'twinmx_failover_fault{what="state"} 0.0'))
    assert host.remembered["state"]["phase"] in ("draining", "drained"), "without another act"
