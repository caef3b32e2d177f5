"""The gate's workers, as systemd, Postfix, a monitor and a killer see them."""

from typing import Any

import pytest

from inventory.schema import Exchange, Exchanger
from lab.waiting import until
from tests.hosts.asking import Host, comes_back_for_ever, exposure, main_pid, reach, shown
from tests.hosts.workers import Workers

pytestmark = pytest.mark.role("gate")

PORT = 20383
WORKERS = Workers("gate", 20480)


@pytest.fixture
def settings(host: Host) -> dict[str, Any]:
    return WORKERS.settings(host)


def test_exactly_as_many_workers_run_as_the_inventory_says(host: Host, exchange: Exchange) -> None:
    units = host.check_output("systemctl list-units --all --plain --no-legend 'gate@*.service'")
    running = [line.split()[0] for line in units.splitlines() if line.split()[2] == "active"]

    assert running == [f"gate@{n}.service" for n in range(1, exchange.gate.workers + 1)]
    assert host.service("gate.target").is_enabled


def test_all_of_them_share_the_port_on_loopback_alone(
    host: Host, exchange: Exchange, exchanger: Exchanger, outside: Host
) -> None:
    rows = host.check_output(f"ss -Hltn sport = :{PORT}").splitlines()

    assert [row.split()[3] for row in rows] == [f"127.0.0.1:{PORT}"] * exchange.gate.workers
    assert reach(outside, exchanger.address, PORT) == "dropped"


def test_a_worker_that_hangs_or_dies_comes_back_for_ever(host: Host) -> None:
    seen = shown(host, "gate@1.service", "WatchdogUSec", "Type", "MemoryMax")

    assert comes_back_for_ever(host, "gate@1.service")
    assert seen == {"WatchdogUSec": "10s", "Type": "notify", "MemoryMax": str(512 << 20)}


def test_each_worker_is_well_and_counts(exchange: Exchange, exchanger: Exchanger) -> None:
    for worker in range(1, exchange.gate.workers + 1):
        assert WORKERS.is_well(exchanger, worker)
        metrics = WORKERS.answer(exchanger, worker, "/metrics")
        for name in ("gate_messages", "gate_recipients", "gate_seconds", "gate_limited", "spam_unscanned"):
            assert f"# TYPE twinmx_{name}" in metrics


def test_metrics_are_open_to_the_monitors_alone(exchanger: Exchanger, outside: Host) -> None:
    assert reach(outside, exchanger.peer, WORKERS.metrics_base + 1) == "dropped"


def test_it_accepts_its_own_settings(host: Host) -> None:
    assert host.run("/opt/twinmx/current/bin/twinmx-gate --check").rc == 0


def test_each_deadline_lies_inside_the_one_around_it(host: Host, settings: dict[str, Any]) -> None:
    """Engine < all engines < Postfix's wait for a message; Valkey < Postfix's wait for a command."""
    content, command, connect = (
        float(host.check_output(f"postconf -hx milter_{name}_timeout").removesuffix("s"))
        for name in ("content", "command", "connect")
    )
    spam = settings["spam"]
    engines = [spam[engine]["budget_seconds"] for engine in spam["engines"]]

    chain = [max(engines), spam["total_seconds"], content]
    assert chain == sorted(set(chain))
    assert settings["limits"]["valkey"]["wait_seconds"] < command
    assert connect <= command
    assert settings["deadline"] == {"command_seconds": command, "content_seconds": content}


def test_postfix_asks_it_and_goes_on_without_it(host: Host) -> None:
    for name, wanted in (
        ("smtpd_milters", f"inet:127.0.0.1:{PORT}"),
        ("non_smtpd_milters", ""),
        ("milter_default_action", "accept"),
    ):
        assert host.check_output(f"postconf -hx {name}") == wanted
    assert host.check_output("postconf -c /etc/postfix-out -hx smtpd_milters") == ""


def test_it_is_hardened_and_its_secrets_are_its_own(host: Host) -> None:
    assert exposure(host, "gate@1.service") <= 1.5
    for name in ("srs-keys", "valkey"):
        file = f"/run/credentials/gate@1.service/{name}"
        assert host.run(f"setpriv --reuid twinmx --regid twinmx --clear-groups cat {file}").rc == 0
        assert host.run(f"setpriv --reuid nobody --clear-groups cat {file}").rc != 0


@pytest.mark.changes
def test_a_worker_that_hangs_is_killed_by_its_watchdog(host: Host, exchanger: Exchanger) -> None:
    before = main_pid(host, "gate@2")

    host.check_output(f"kill -STOP {before}")

    until(lambda: main_pid(host, "gate@2") not in (0, before), 25, "a new process of worker 2")
    until(lambda: WORKERS.is_well(exchanger, 2), 10, "worker 2 to be well")
