"""Prometheus of each host: what it reads, what it judges, and who reaches it."""

import json
from collections.abc import Mapping

import pytest

from inventory.schema import Exchange, Exchanger
from lab.waiting import until
from lab.watching import PATIENCE_SECONDS, PROMETHEUS, fetched, query
from roles.lib.alerts import groups
from tests.hosts.asking import Host, comes_back_for_ever, exposure, listening, reach

pytestmark = pytest.mark.role("prometheus")

UNIT = "prometheus.service"


def down(exchanger: Exchanger) -> list[dict[str, str]]:
    """What the Prometheus of a host cannot read."""
    return [labels for labels, _ in query(exchanger, "up == 0")]


def test_it_reads_every_program_of_every_host(exchange: Exchange, exchanger: Exchanger) -> None:
    until(lambda: not down(exchanger), PATIENCE_SECONDS, "every target up")

    for job in ("forwarder", "gate", "queues", "canary", "failover", "node", "valkey", "rspamd", "smtp"):
        hosts = {labels["host"] for labels, _ in query(exchanger, f'up{{job="{job}"}}')}
        assert hosts == set(exchange.exchangers), job
    workers = query(exchanger, 'count by (host) (up{job="forwarder"})')
    assert {number for _, number in workers} == {exchange.forwarder.workers}


def test_port_25_of_every_host_is_probed_with_starttls(exchange: Exchange, exchanger: Exchanger) -> None:
    for figure in ("probe_success", "probe_ssl_earliest_cert_expiry"):
        seen = {labels["host"]: value for labels, value in query(exchanger, f'{figure}{{job="smtp"}}')}
        assert set(seen) == set(exchange.exchangers)
        assert all(seen.values())


def test_it_judges_every_alert_by_rules_that_work(exchange: Exchange, exchanger: Exchanger) -> None:
    answer = json.loads(fetched(f"http://{exchanger.peer}:{PROMETHEUS}/api/v1/rules"))
    rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]

    assert {rule["name"] for rule in rules if rule["type"] == "alerting"} == {
        alert.name for group in groups(exchange) for alert in group.alerts
    }
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []


def test_where_all_is_well_one_alert_fires_and_it_is_the_heartbeat(exchanger: Exchanger) -> None:
    def firing() -> set[str]:
        return {labels["alertname"] for labels, _ in query(exchanger, 'ALERTS{alertstate="firing"}')}

    until(lambda: firing() == {"Watchdog"}, 3 * PATIENCE_SECONDS, "no alert but Watchdog")


def test_it_keeps_what_the_inventory_says(exchange: Exchange, exchanger: Exchanger) -> None:
    flags = json.loads(fetched(f"http://{exchanger.peer}:{PROMETHEUS}/api/v1/status/flags"))["data"]

    assert flags["storage.tsdb.retention.size"] == f"{exchange.monitors.retention_megabytes / 1024:g}GiB"


def test_it_is_open_to_the_monitors_and_the_peers_alone(
    host: Host, exchanger: Exchanger, peers: Mapping[str, Host], outside: Host
) -> None:
    assert {address for address, port in listening(host) if port == PROMETHEUS} == {str(exchanger.peer)}
    for peer in peers.values():
        assert reach(peer, exchanger.peer, PROMETHEUS) == "open"
    assert reach(outside, exchanger.peer, PROMETHEUS) == "dropped"


@pytest.mark.parametrize("path", ["-/reload", "-/quit", "api/v1/admin/tsdb/snapshot"])
def test_who_reads_may_not_command(exchanger: Exchanger, path: str) -> None:
    with pytest.raises(OSError, match=r"HTTP Error (403|500)"):
        fetched(f"http://{exchanger.peer}:{PROMETHEUS}/{path}", "POST")


def test_it_comes_back_for_ever_and_may_do_little(host: Host) -> None:
    assert host.service(UNIT).is_enabled
    assert comes_back_for_ever(host, UNIT)
    assert exposure(host, UNIT) < 2.5


def test_its_rules_stand_as_promtool_accepts_them(host: Host) -> None:
    assert host.run("promtool check config /etc/prometheus/prometheus.yml").rc == 0
