"""What Prometheus reads and judges, for several inventories; tests/alerts plays the alerts."""

from typing import Any

import pytest
import yaml

from inventory.schema import Exchange
from roles.firewall import render_rules as firewall_rules
from roles.prometheus import CONFIGURATION, RULES, render_files
from tests.unit.roles.exchanges import DATABASE, MX1, MX2, PEER_LINK, all_secrets, exchange, site
from tests.unit.roles.rendered import named, text

FOLLOWING = exchange(alias_source="postgresql", database=DATABASE)


def configuration(of: Exchange, name: str = "mx1") -> dict[str, Any]:
    return dict(yaml.safe_load(text(named(render_files(site(of, name)), CONFIGURATION))))


def targets(of: Exchange, name: str = "mx1") -> dict[str, dict[str, list[str]]]:
    """Job → host → what is read."""
    return {
        job["job_name"]: {one["labels"]["host"]: one["targets"] for one in job["static_configs"]}
        for job in configuration(of, name)["scrape_configs"]
    }


def test_every_program_of_both_hosts_is_read_at_its_peer_address() -> None:
    of = exchange(MX1, MX2 | PEER_LINK, flags={"workers": "2"}, gate={"workers": 1})

    read = targets(of)

    assert read["forwarder"] == {
        "mx1": ["198.51.100.11:20401", "198.51.100.11:20402"],
        "mx2": ["10.0.0.12:20401", "10.0.0.12:20402"],
    }
    assert read["gate"] == {"mx1": ["198.51.100.11:20481"], "mx2": ["10.0.0.12:20481"]}
    assert read["queues"]["mx2"] == ["10.0.0.12:20460"]
    assert read["canary"]["mx2"] == ["10.0.0.12:20461"]
    assert read["failover"]["mx2"] == ["10.0.0.12:20462"]
    assert {job for job, hosts in read.items() if set(hosts) == {"mx1", "mx2"}} == {
        *("forwarder", "gate", "queues", "canary", "failover", "node", "valkey", "rspamd", "prometheus"),
        *("alertmanager", "smtp"),
    }


def test_the_follower_is_read_where_there_is_a_database() -> None:
    assert "aliases" not in targets(exchange())
    assert targets(FOLLOWING)["aliases"]["mx1"] == ["198.51.100.11:20471"]


def test_an_exchanger_that_takes_no_mail_is_not_probed_for_it() -> None:
    of = exchange(MX1, MX2 | {"active": False})

    assert targets(of)["smtp"] == {"mx1": ["198.51.100.11:25"]}
    assert set(targets(of)["node"]) == {"mx1", "mx2"}


def test_each_host_probes_by_itself() -> None:
    for name in ("mx1", "mx2"):
        assert targets(exchange(), name)["blackbox"] == {name: ["127.0.0.1:20464"]}
    (job,) = [job for job in configuration(exchange())["scrape_configs"] if job["job_name"] == "smtp"]
    assert job["relabel_configs"][-1] == {"target_label": "__address__", "replacement": "127.0.0.1:20464"}


@pytest.mark.parametrize("of", [exchange(), FOLLOWING], ids=["file", "database"])
def test_the_firewall_lets_in_whoever_reads(of: Exchange) -> None:
    (rule,) = [line for line in text(firewall_rules(site(of))).splitlines() if "20381, " in line]
    spans = [part.split("-") for part in rule.split("{ ")[1].split(" }")[0].split(", ")]
    opened = {port for span in spans for port in range(int(span[0]), int(span[-1]) + 1)}

    read = {
        int(target.rpartition(":")[2])
        for job, hosts in targets(of).items()
        if job not in ("blackbox", "smtp")
        for target in hosts["mx1"]
    }
    assert read < opened


def test_alerts_go_to_every_alertmanager_under_labels_that_both_hosts_agree_on() -> None:
    """An alert with a label of who judged it would be another alert, and be told twice."""
    read = configuration(exchange(MX1, MX2 | PEER_LINK))

    (alertmanagers,) = read["alerting"]["alertmanagers"]
    assert alertmanagers["static_configs"] == [{"targets": ["198.51.100.11:20467", "10.0.0.12:20467"]}]
    assert "external_labels" not in read["global"]


def test_an_alertmanager_that_hangs_does_not_hold_up_what_the_other_hears() -> None:
    """Prometheus tells all of them of one batch before it goes on to the next."""
    (alertmanagers,) = configuration(exchange())["alerting"]["alertmanagers"]

    assert alertmanagers["timeout"] == "2s"


@pytest.mark.parametrize(("period", "timeout"), [(1, "1s"), (60, "10s")])
def test_a_program_that_hangs_costs_no_period(period: int, timeout: str) -> None:
    read = configuration(exchange(monitors={"scrape_seconds": period, "window_seconds": 300}))["global"]

    assert (read["scrape_interval"], read["evaluation_interval"]) == (f"{period}s", f"{period}s")
    assert read["scrape_timeout"] == timeout


def test_the_rules_are_the_same_on_both_hosts_and_read_where_they_are() -> None:
    one, other = (text(named(render_files(site(name=name)), "twinmx.yml")) for name in ("mx1", "mx2"))

    assert one == other
    assert configuration(exchange())["rule_files"] == [RULES]


def test_it_listens_on_the_peer_link_alone_and_nobody_commands_it() -> None:
    files = render_files(site(exchange(MX1, MX2 | PEER_LINK), "mx2"))
    flags = text(named(files, "/etc/default/prometheus"))

    assert "--web.listen-address=10.0.0.12:20466 " in flags
    assert "--web.enable" not in flags


def test_it_keeps_what_the_inventory_says() -> None:
    of = exchange(monitors={"retention_days": 3, "retention_megabytes": 512})
    flags = text(named(render_files(site(of)), "/etc/default/prometheus"))

    assert "--storage.tsdb.retention.time=3d " in flags
    assert '--storage.tsdb.retention.size=512MB"' in flags


def test_no_secret_is_in_what_it_reads() -> None:
    for file in render_files(site()):
        assert not any(secret in text(file) for secret in all_secrets())


def test_labels_that_mean_an_instance_or_a_host_of_the_programs_own_are_kept() -> None:
    kept = [job["job_name"] for job in configuration(exchange())["scrape_configs"] if job.get("honor_labels")]

    assert kept == ["queues", "failover"]
