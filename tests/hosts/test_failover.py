"""The failover agent on a converged pair: what it says, what it may, and a drain as others see it."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from inventory.schema import Exchange, Exchanger
from inventory.secrets import Secrets
from lab.waiting import until
from tests.hosts.asking import Host, comes_back_for_ever, exposure, main_pid, reach, shown
from tests.hosts.workers import Workers

pytestmark = pytest.mark.role("failover")

UNIT = "failover.service"
PORT = 20462
AGENT = Workers("failover", PORT - 1)
SOCKET = "/run/twinmx/failover.sock"
LEASE = "/run/twinmx/drain.json"
TABLE = "nft list table inet twinmx_drain"


def ask(host: Host, path: str, **order: object) -> dict[str, Any]:
    """What the agent answers an operator."""
    data = f"--data {shlex.quote(json.dumps(order))}" if order else ""
    answer = host.check_output(f"curl --silent --unix-socket {SOCKET} {data} http://agent{path}")
    found: dict[str, Any] = json.loads(answer)
    return found


def phase(host: Host) -> str:
    return str(ask(host, "/state")["state"])


def test_it_is_at_rest(host: Host, exchange: Exchange, exchanger: Exchanger, name: str) -> None:
    assert AGENT.is_well(exchanger, 1)
    state = ask(host, "/state")

    assert (state["host"], state["state"], state["bad"], state["faults"]) == (name, "active", [], {})
    assert state["well"]
    assert {peer: seen["fresh"] for peer, seen in state["peers"].items()} == dict.fromkeys(
        exchange.exchangers.keys() - {name}, True
    )
    wanted = {host: facts.mx_priority for host, facts in exchange.exchangers.items()}
    assert state["mx"] == dict.fromkeys(exchange.domains, wanted)
    assert host.run(TABLE).rc != 0, "nothing is closed"
    assert not host.file(LEASE).exists


def test_peers_and_monitors_reach_it_and_strangers_do_not(
    exchanger: Exchanger, outside: Host, peers: Mapping[str, Host]
) -> None:
    assert reach(outside, exchanger.peer, PORT) == "dropped"
    for peer in peers.values():
        assert reach(peer, exchanger.peer, PORT) == "open"
    metrics = AGENT.answer(exchanger, 1, "/metrics")
    for name in ("state", "evidence", "acts", "held", "peer_reachable", "mx_preference"):
        assert f"# TYPE twinmx_failover_{name}" in metrics


def test_it_comes_back_for_ever_with_one_capability(host: Host) -> None:
    seen = shown(host, UNIT, "AmbientCapabilities", "CapabilityBoundingSet", "WatchdogUSec", "User")

    assert comes_back_for_ever(host, UNIT)
    assert seen == {
        "AmbientCapabilities": "cap_net_admin",
        "CapabilityBoundingSet": "cap_net_admin",
        "WatchdogUSec": "30s",
        "User": "twinmx",
    }
    assert exposure(host, UNIT) <= 1.5


def test_operators_alone_may_order(host: Host) -> None:
    as_nobody = (
        f"setpriv --reuid nobody --clear-groups curl --silent --unix-socket {SOCKET} http://agent/state"
    )

    assert host.run(as_nobody).rc != 0
    assert host.file(SOCKET).mode == 0o600


def test_its_secrets_are_its_own(host: Host, secrets: Secrets) -> None:
    assert secrets.tsig
    for name in ("srs-keys", "tsig"):
        file = f"/run/credentials/{UNIT}/{name}"
        assert host.run(f"setpriv --reuid nobody --clear-groups cat {file}").rc != 0
    assert secrets.tsig.secret.get_secret_value() not in host.file("/etc/twinmx/failover.toml").content_string


def test_it_accepts_its_own_settings(host: Host) -> None:
    assert host.run("/opt/twinmx/current/bin/twinmx-failover --check").rc == 0


@pytest.fixture
def drained(host: Host) -> Iterator[Host]:
    """The host, drained by order, and back in service afterwards."""
    until(lambda: ask(host, "/drain", by="tests").get("state") in ("draining", "drained"), 90, "a drain")
    yield host
    ask(host, "/undrain", by="tests")
    until(lambda: phase(host) == "active", 90, "the host back in service")
    assert host.run(TABLE).rc != 0


@pytest.mark.changes
def test_a_drained_host_refuses_the_world_and_takes_its_peers(
    drained: Host, exchanger: Exchanger, outside: Host, peers: Mapping[str, Host]
) -> None:
    assert reach(outside, exchanger.address, 25) == "refused"
    for peer in peers.values():
        assert reach(peer, exchanger.address, 25) == "open"
    assert drained.file(LEASE).exists
    until(lambda: phase(drained) == "drained", 90, "an empty queue")


@pytest.mark.changes
def test_the_other_host_refuses_to_be_drained_too(drained: Host, peers: Mapping[str, Host]) -> None:
    for peer in peers.values():
        assert "relies on this host" in ask(peer, "/drain", by="tests")["refused"]


@pytest.mark.changes
def test_a_drain_survives_the_death_of_its_agent(drained: Host, exchanger: Exchanger, outside: Host) -> None:
    before = main_pid(drained, UNIT)

    drained.check_output(f"kill -KILL {before}")

    until(lambda: main_pid(drained, UNIT) not in (0, before), 20, "a new agent")
    until(lambda: AGENT.is_well(exchanger, 1), 10, "the new agent to be well")
    assert phase(drained) in ("draining", "drained")
    assert reach(outside, exchanger.address, 25) == "refused"


@pytest.mark.changes
def test_without_its_agent_a_drain_ends_after_a_lease(
    drained: Host, exchange: Exchange, exchanger: Exchanger, outside: Host
) -> None:
    drained.check_output(f"systemctl stop {UNIT}")
    try:
        until(
            lambda: reach(outside, exchanger.address, 25) == "open",
            exchange.failover.lease_seconds + 10,
            "port 25 open again by itself",
        )
    finally:
        drained.check_output(f"systemctl start {UNIT}")
        until(
            lambda: phase(drained) in ("returning", "active"), 30, "the agent to see that the lease is over"
        )
        until(
            lambda: ask(drained, "/drain", by="tests").get("state") in ("draining", "drained"),
            90,
            "a drain, for the fixture to end",
        )
