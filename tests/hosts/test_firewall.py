"""The packet filter, as those see it who try to come in."""

import json
import socket
from collections.abc import Mapping

import pytest

from inventory.schema import Exchange, Exchanger
from tests.hosts.asking import Host, listening, reach

pytestmark = pytest.mark.role("firewall")

UNUSED = 4444


def reach_from_here(address: object, port: int) -> str:
    """How a TCP connection from the controller fares."""
    try:
        socket.create_connection((str(address), port), timeout=1.5).close()
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "dropped"
    return "open"


def test_mail_comes_in_from_everywhere(host: Host, exchanger: Exchanger, outside: Host) -> None:
    assert reach(outside, exchanger.address, 25) == "open"
    assert reach_from_here(exchanger.address, 25) == "open"


def test_the_forwarder_is_open_to_the_peers_alone(
    host: Host, exchanger: Exchanger, peers: Mapping[str, Host], outside: Host
) -> None:
    assert (str(exchanger.peer), 20381) in listening(host)
    for peer in peers.values():
        assert reach(peer, exchanger.peer, 20381) == "open"
    assert reach(outside, exchanger.peer, 20381) == "dropped"
    assert reach_from_here(exchanger.peer, 20381) == "dropped"


def test_metrics_are_open_to_the_monitors_and_the_peers_alone(
    exchanger: Exchanger, peers: Mapping[str, Host], outside: Host
) -> None:
    for peer in peers.values():
        assert reach(peer, exchanger.peer, 20401) == "open"
    assert reach_from_here(exchanger.peer, 20401) == "open", "the lab's controller is a monitor"
    assert reach(outside, exchanger.peer, 20401) == "dropped"


def test_metrics_are_open_for_the_workers_and_no_port_further(
    exchange: Exchange, exchanger: Exchanger
) -> None:
    assert reach_from_here(exchanger.peer, 20400 + exchange.forwarder.workers) == "open"
    assert reach_from_here(exchanger.peer, 20401 + exchange.forwarder.workers) == "dropped"


def test_any_other_port_is_dropped_not_refused(
    exchanger: Exchanger, peers: Mapping[str, Host], outside: Host
) -> None:
    for source in (outside, *peers.values()):
        assert reach(source, exchanger.address, UNUSED) == "dropped"


def test_ping_is_answered(host: Host, exchanger: Exchanger, outside: Host) -> None:
    """Path MTU discovery needs ICMP."""
    assert outside.run(f"ping -c 1 -W 2 {exchanger.address}").rc == 0


def test_the_kernel_drops_by_default(host: Host) -> None:
    rules = json.loads(host.check_output("nft -j list table inet twinmx"))["nftables"]
    (chain,) = [rule["chain"] for rule in rules if "chain" in rule]

    assert (chain["hook"], chain["policy"]) == ("input", "drop")


def test_the_rules_are_loaded_at_boot(host: Host) -> None:
    assert host.service("nftables").is_enabled
