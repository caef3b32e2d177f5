"""What twinmx-queues shows of a real Postfix, and what operators do with its queues."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from inventory.schema import Exchange, Exchanger
from lab.waiting import until
from tests.hosts.asking import Host, comes_back_for_ever, exposure, main_pid, reach, shown
from tests.hosts.delivering import delivered
from tests.hosts.workers import Workers

pytestmark = pytest.mark.role("queues")

PORT = 20460
QUEUES = Workers("queues", PORT - 1)
NOBODY = "[198.51.100.250]"  # an address of the lab's network which no host has


def figure(exchanger: Exchanger, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(QUEUES.answer(exchanger, 1, "/metrics"))
    samples = (sample for family in families for sample in family.samples)
    return next((one.value for one in samples if (one.name, one.labels) == (f"twinmx_{name}", labels)), 0.0)


def asked(host: Host, command: str) -> Any:
    return json.loads(host.check_output(f"mxctl {command} --json"))


@pytest.fixture
def stuck(host: Host) -> Iterator[str]:
    """The domain for which one message waits in postfix-out; it is gone afterwards."""
    mail = (
        f"printf 'Subject: queues\\n\\n' | sendmail -C /etc/postfix-out -f probe@sender.example 'x@{NOBODY}'"
    )
    host.check_output(mail)
    until(
        lambda: asked(host, f"requeue --instance out --to '{NOBODY}' --dry-run")["out"]["matched"],
        60,
        "deferral",
    )
    yield NOBODY
    listed = host.check_output("postqueue -c /etc/postfix-out -j").splitlines()
    for message in map(json.loads, listed):
        if any(NOBODY in recipient["address"] for recipient in message["recipients"]):
            host.check_output(f"postsuper -c /etc/postfix-out -d {message['queue_id']}")


def test_it_is_well_and_comes_back_for_ever(host: Host, exchanger: Exchanger) -> None:
    assert QUEUES.is_well(exchanger, 1)
    assert host.service("queues.service").is_enabled
    assert comes_back_for_ever(host, "queues.service")
    assert shown(host, "queues.service", "WatchdogUSec", "MemoryMax") == {
        "WatchdogUSec": "30s", "MemoryMax": str(256 << 20)
    }  # fmt: skip


def test_it_is_hardened(host: Host) -> None:
    assert exposure(host, "queues.service") <= 1.5


def test_metrics_are_open_to_the_monitors_alone(host: Host, exchanger: Exchanger, outside: Host) -> None:
    rows = host.check_output(f"ss -Hltn sport = :{PORT}").splitlines()

    assert [row.split()[3] for row in rows] == [f"{exchanger.peer}:{PORT}"]
    assert reach(outside, exchanger.peer, PORT) == "dropped"


def test_it_accepts_its_own_settings(host: Host) -> None:
    assert host.run("/opt/twinmx/current/bin/twinmx-queues --check").rc == 0


def test_both_queues_are_read_at_the_interval(exchange: Exchange, exchanger: Exchanger) -> None:
    for instance in ("in", "out"):
        age = figure(exchanger, "queue_read_age_seconds", instance=instance)
        assert age < 3 * exchange.monitors.queue_seconds + 5
        assert figure(exchanger, "queue_free_bytes", instance=instance) > 0
        assert figure(exchanger, "queue_free_inodes", instance=instance) > 0


def test_a_delivery_is_counted_and_timed_in_both_instances(exchange: Exchange, exchanger: Exchanger) -> None:
    def counted() -> list[float]:
        """Outbound on all hosts: a share of the mail leaves through another one (failover.standby_share)."""
        outbound = {"instance": "out", "transport": "smtp"}
        hosts = exchange.exchangers.values()
        return [
            figure(exchanger, "delivery_seconds_count", instance="in", transport="fwd"),
            sum(figure(host, "delivery_seconds_count", **outbound) for host in hosts),
        ]

    before = counted()
    delivered(exchange, through=exchanger)

    until(lambda: all(now > then for now, then in zip(counted(), before, strict=True)), 10, "both counts")


def test_an_operator_sees_who_waits_and_how_long(host: Host) -> None:
    told = asked(host, "queue")

    assert {name: table["by"] for name, table in told.items()} == {"in": "alias", "out": "destination"}
    for arguments in ("--by reason", "--by age", "--by mailbox", "--by account", "--instance out"):
        assert host.run(f"mxctl queue {arguments}").rc == 0
    assert host.run("mxctl queue --instance out --by alias").rc == 2


@pytest.mark.changes
def test_what_waits_is_shown_and_given_a_new_attempt(host: Host, exchanger: Exchanger, stuck: str) -> None:
    until(lambda: figure(exchanger, "queue_messages", instance="out", queue="deferred") >= 1, 60, "a figure")
    rows = asked(host, "queue --instance out --by destination --limit 1000")["out"]["rows"]
    assert [row["recipients"] for row in rows if row["name"] == stuck] == [1]

    account = asked(host, f"requeue --instance out --to '{stuck}'")["out"]

    assert (account["matched"], account["asked"], account["fault"]) == (1, 1, None)
    assert account["gone"] == account["held"] == 0
    assert account["under_way"] + account["deferred"] == 1
    assert "requeue out: 1 matched" in host.check_output("journalctl -t mxctl -n 20 -o cat")


@pytest.mark.changes
def test_a_journalctl_that_is_killed_is_replaced_and_nothing_is_missed(
    host: Host, exchange: Exchange, exchanger: Exchanger
) -> None:
    hop = {"instance": "in", "transport": "fwd"}
    delivered(exchange, through=exchanger)
    until(lambda: figure(exchanger, "delivery_seconds_count", **hop) > 0, 10, "a first delivery")
    before = figure(exchanger, "delivery_seconds_count", **hop)

    host.check_output(f"kill $(pgrep -P {main_pid(host, 'queues')} journalctl)")
    delivered(exchange, through=exchanger)

    until(lambda: figure(exchanger, "delivery_seconds_count", **hop) > before, 20, "the next delivery")
