"""What two agents tell people: the status page, metrics, and what they cannot do."""

import errno
from collections.abc import AsyncIterator
from pathlib import Path

import dns.rcode
import pytest

from tests.unit.twinmx.failover_dns import NameServer, dns_of
from tests.unit.twinmx.failover_pair import Closed, HostUnderTest, Pair, exposes, is_, running, says, until
from twinmx.failover import store


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


async def test_the_status_page_shows_both_hosts(pair: Pair) -> None:
    host, other = pair
    host.programs.metrics = 'twinmx_queue_messages{instance="in",queue="deferred"} 4321\n'

    async def shows_the_queue() -> bool:
        return all(["4\u202f321" in await each.page("/") for each in pair])

    await until(shows_the_queue)
    assert "All exchangers are in service and well" in await host.page("/")
    assert (await host.state())["queues"] == {"in": 4321}

    await other.stop()
    await until(lambda: says(host, "mx2 has been silent"))


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


async def shows(host: HostUnderTest, *texts: str) -> bool:
    """Whether the status page has them all."""
    page = await host.page("/")
    return all(text in page for text in texts)


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
    await until(lambda: says(host, "unable to act in full (dns)"))
    await until(lambda: shows(host, "dns: 127.0.0.1: update: REFUSED", "mx not changed alias.example"))
    await until(lambda: exposes(host, 'twinmx_failover_fault{what="dns"} 1.0'))

    server.refuses_updates = None
    await until(lambda: exposes(host, 'twinmx_failover_fault{what="dns"} 0.0'))
    state = await host.state()
    assert state["faults"] == {}
    about_dns = [(act["name"], act["whom"]) for act in state["acts"] if act["name"].startswith("mx")]
    assert about_dns == [("mx not changed", "alias.example"), ("mx changed", "alias.example")]
    assert 'act="mx' not in await host.page("/metrics"), "what became of an act is no act of its own"


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
    await until(lambda: exposes(host, 'twinmx_failover_fault{what="state"} 1.0'))
    await host.stop()
    await host.start()
    assert await is_(host, "draining", "drained"), "a new agent knows"
    assert (await other.state())["promised"].keys() == {"mx1"}

    monkeypatch.setattr(store, "_write", written)
    await until(lambda: exposes(host, 'twinmx_failover_fault{what="state"} 0.0'))

    async def noted() -> bool:  # without another act
        return host.remembered["state"]["phase"] in ("draining", "drained")

    await until(noted)
