"""The flags of a drill or an operation, from the command line to what the world sees, and back."""

from collections.abc import Iterator
from typing import Any

import dns.query
import dns.tsigkeyring
import dns.zone
import pytest

from inventory.schema import Exchange
from inventory.secrets import Secrets
from lab.converging import Pair
from lab.waiting import until
from tests.hosts.asking import Host, listening, main_pid, reach
from tests.hosts.conftest import reached
from tests.hosts.delivering import delivered
from tests.hosts.test_dns import resolved
from tests.hosts.test_failover import ask

pytestmark = [pytest.mark.role("flags"), pytest.mark.changes]

FORWARDERS = "forwarder@1 forwarder@2 forwarder@3"
Records = set[tuple[str, str, str]]


@pytest.fixture(autouse=True)
def _plain_again(pair: Pair) -> Iterator[None]:
    """Whatever a test left behind is gone after it, on the hosts and in DNS."""
    yield
    pair.converge()
    assert pair.converge() == set(), "a second converge changes nothing"


@pytest.fixture
def last(pair: Pair) -> Host:
    """The exchanger with the least mail."""
    return reached(str(pair.exchange.exchangers[pair.last].address))


def zone(exchange: Exchange, secrets: Secrets, domain: str) -> Records:
    """All records of a zone but its serial number, as its server transfers them."""
    assert secrets.tsig
    key = dns.tsigkeyring.from_text({secrets.tsig.name: secrets.tsig.secret.get_secret_value()})
    transfer = dns.query.xfr(
        str(exchange.dns.server),
        domain,
        port=exchange.dns.port,
        keyring=key,
        keyalgorithm=secrets.tsig.algorithm,
    )
    records = dns.zone.from_xfr(transfer).iterate_rdatas()
    return {
        (str(name), f"{dns.rdatatype.to_text(value.rdtype)} {ttl}", value.to_text())
        for name, ttl, value in records
        if value.rdtype != dns.rdatatype.SOA
    }


def mx(exchange: Exchange, *names: str) -> set[str]:
    """The MX values with `names` in this order of preference."""
    priorities = sorted(host.mx_priority for host in exchange.exchangers.values())
    return {
        f"{priority} {exchange.exchangers[name].fqdn}."
        for priority, name in zip(priorities, names, strict=True)
    }


def agent(host: Host) -> dict[str, Any]:
    """What the host's failover agent says."""
    return ask(host, "/state")


def may_act(host: Host, exchange: Exchange) -> bool:
    """Whether its agent's last act is old enough for the next one."""
    state = agent(host)
    return bool(state["at"] - (state["last_act"] or 0) > exchange.failover.minimum_seconds)


def is_behind(exchange: Exchange, name: str) -> bool:
    """Whether every served domain has the host last in its MX."""
    order = [*(other for other in exchange.exchangers if other != name), name]
    return all(resolved(domain, "MX") == mx(exchange, *order) for domain in exchange.domains)


def test_primary_swaps_the_mx_records_and_tells_the_agents(
    pair: Pair, exchange: Exchange, secrets: Secrets
) -> None:
    first, second = sorted(exchange.exchangers, key=lambda name: exchange.exchangers[name].mx_priority)
    before = {domain: zone(exchange, secrets, domain) for domain in exchange.domains}

    assert pair.converge(primary=second) == {
        *(f"dns | {domain}: zone" for domain in exchange.domains),
        "failover | failover: files",
        "failover | failover: converged",
        "drift | drift: files",
        "drift | drift: converged",
    }

    for domain in exchange.domains:
        assert resolved(domain, "MX") == mx(exchange, second, first)
        changed = before[domain] ^ zone(exchange, secrets, domain)
        assert {kind.split()[0] for _, kind, _ in changed} == {"MX"}
        assert len(changed) == 4, "two records went and two came"
    assert pair.converge(primary=second) == set()

    pair.converge()
    for domain in exchange.domains:
        assert resolved(domain, "MX") == mx(exchange, first, second)
        assert zone(exchange, secrets, domain) == before[domain]


def test_a_drained_host_refuses_connections_and_the_other_takes_the_mail(
    pair: Pair, exchange: Exchange, secrets: Secrets, last: Host, outside: Host
) -> None:
    drained = exchange.exchangers[pair.last]
    others = [host for name, host in exchange.exchangers.items() if name != pair.last]
    before = {domain: zone(exchange, secrets, domain) for domain in exchange.domains}

    pair.converge(drain=pair.last)

    assert reach(outside, drained.address, 25) == "refused"
    for other in others:
        assert reach(outside, other.address, 25) == "open"
    assert main_pid(last, "forwarder@1"), "its forwarder still serves the peers"
    assert {domain: zone(exchange, secrets, domain) for domain in exchange.domains} == before
    assert last.check_output("postconf -hx relay_transport").startswith(f"fwd:[{others[0].peer}]:20381, ")
    arrived = delivered(exchange)
    assert any(hop.by == others[0].fqdn for hop in arrived.hops)
    assert not any(hop.by == drained.fqdn for hop in arrived.hops)
    assert pair.converge(drain=pair.last) == set()

    pair.converge()
    assert reach(outside, drained.address, 25) == "open"
    assert delivered(exchange, drained)


def test_what_an_agent_did_by_itself_stays_until_the_flag_ends_it(
    pair: Pair, exchange: Exchange, outside: Host
) -> None:
    first, second = sorted(exchange.exchangers, key=lambda name: exchange.exchangers[name].mx_priority)
    host = reached(str(exchange.exchangers[first].address))
    until(lambda: may_act(host, exchange), exchange.failover.minimum_seconds + 60, "an agent that may act")
    host.check_output(f"systemctl mask -q --runtime {FORWARDERS} && systemctl stop {FORWARDERS}")
    try:
        until(lambda: is_behind(exchange, first), 120, f"{first} drained by its own agent, and behind in DNS")
    finally:
        host.check_output(f"systemctl unmask -q --runtime {FORWARDERS} && systemctl start {FORWARDERS}")

    pair.converge()

    assert agent(host)["state"] != "active", "a converge leaves a running failover alone"
    assert is_behind(exchange, first)
    assert reach(outside, exchange.exchangers[first].address, 25) == "refused"

    pair.converge(failover="end")

    until(lambda: agent(host)["state"] == "active", 60, f"{first} in service")
    assert reach(outside, exchange.exchangers[first].address, 25) == "open"
    for domain in exchange.domains:
        assert resolved(domain, "MX") == mx(exchange, first, second)


@pytest.mark.parametrize("number", [2, 4])
def test_as_many_workers_run_as_the_flag_says(
    pair: Pair, exchange: Exchange, last: Host, outside: Host, number: int
) -> None:
    address = str(exchange.exchangers[pair.last].peer)

    pair.converge(pair.last, workers=str(number))

    units = last.check_output("systemctl list-units --all --plain --no-legend 'forwarder@*.service'")
    assert [line.split()[:1] + line.split()[2:3] for line in units.splitlines()] == [
        [f"forwarder@{worker}.service", "active"] for worker in range(1, number + 1)
    ]
    assert {port for host, port in listening(last) if host == address and 20400 < port < 20460} == set(
        range(20401, 20401 + number)
    )
    assert delivered(exchange, exchange.exchangers[pair.last])
    assert pair.converge(pair.last, workers=str(number)) == set()
