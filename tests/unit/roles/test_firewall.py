"""The packet filter's rules for several inventories; tests/hosts asks the kernel."""

from inventory.schema import Exchange
from roles.firewall import render_rules
from tests.unit.roles.exchanges import MX1, MX2, MX3, PEER_LINK, exchange, site
from tests.unit.roles.rendered import text


def rules(of: Exchange, name: str = "mx1") -> list[str]:
    return [line.strip() for line in text(render_rules(site(of, name))).splitlines()]


def sources_of(port: int, lines: list[str]) -> list[str]:
    """Who may reach `port`, of those whose rule names a source."""
    return [line.split()[2] for line in lines if " saddr " in line and str(port) in line]


def test_each_peer_reaches_the_forwarder_at_its_peer_address() -> None:
    of = exchange(MX1, MX2 | PEER_LINK, MX3)

    assert sources_of(20381, rules(of)) == ["198.51.100.13", "10.0.0.12"]
    assert sources_of(20381, rules(of, "mx2")) == ["198.51.100.13", "198.51.100.11"]


def test_without_a_peer_the_forwarder_is_reached_from_nowhere() -> None:
    assert sources_of(20381, rules(exchange(MX1))) == []


def test_operators_come_from_networks_of_both_families() -> None:
    access = {"ssh_from": ["192.0.2.0/28", "2001:db8:2::/48"], "ssh_port": 2222}
    lines = rules(exchange(access=access))

    assert "ip saddr 192.0.2.0/28 tcp dport 2222 accept" in lines
    assert "ip6 saddr 2001:db8:2::/48 tcp dport 2222 accept" in lines


def opened_to_monitors(lines: list[str]) -> list[str]:
    """Ports and ranges that a network of monitors reaches."""
    (rule,) = [line for line in lines if "saddr 192.0.2.0/28" in line and "dport 22 " not in line]
    return rule.split("{ ")[1].split(" }")[0].split(", ")


def test_metrics_are_opened_for_every_worker_and_no_further() -> None:
    monitors = {"clients": ["192.0.2.0/28"]}
    three = exchange(flags={"workers": "2"}, gate={"workers": 3}, monitors=monitors)
    twelve = exchange(flags={"workers": "12"}, monitors=monitors)
    programs = ["20460-20463", "20465-20467", "20469"]

    assert opened_to_monitors(rules(three)) == ["20401-20402", *programs, "20481-20483"]
    assert opened_to_monitors(rules(twelve)) == ["20401-20412", *programs, "20481-20482"]


def test_canaries_and_alertmanagers_talk_to_exchangers_alone() -> None:
    of = exchange(MX1, MX2 | PEER_LINK, monitors={"clients": ["192.0.2.0/28"]})

    assert sources_of(20387, rules(of)) == ["10.0.0.12"]
    assert sources_of(20468, rules(of)) == ["10.0.0.12"]
    assert "ip saddr 10.0.0.12 meta l4proto { tcp, udp } th dport 20468 accept" in rules(of)


def test_the_prober_is_opened_to_nobody() -> None:
    assert sources_of(20464, rules(exchange(MX1, MX2))) == []


def test_a_drain_does_not_close_the_port() -> None:
    """The kernel shall refuse (a sender goes on at once), not drop (a sender waits)."""
    assert "tcp dport 25 accept" in rules(exchange(flags={"drain": "mx1"}))


def test_only_the_own_table_is_replaced() -> None:
    lines = rules(exchange())

    assert "delete table inet twinmx" in lines
    assert not any(line.startswith("flush ruleset") for line in lines)
