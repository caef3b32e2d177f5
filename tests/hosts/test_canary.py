"""The canary, as systemd, Postfix and a monitor see it."""

import re
from typing import Any

import pytest

from inventory.schema import Exchange, Exchanger
from lab.waiting import until
from tests.hosts.asking import Host, comes_back_for_ever, exposure, listening, main_pid, reach, shown
from tests.hosts.workers import Workers

pytestmark = pytest.mark.role("canary")

UNIT = "canary.service"
SMTP, METRICS = 20387, 20461
CANARY = Workers("canary", METRICS - 1)
WORKER = 1


@pytest.fixture
def settings(host: Host) -> dict[str, Any]:
    return CANARY.settings(host)


def arrived(exchanger: Exchanger, via: str) -> float:
    """How many messages came back to a host through another, since its canary was started."""
    metrics = CANARY.answer(exchanger, WORKER, "/metrics")
    found = re.search(rf'^twinmx_canary_arrived_total{{via="{via}"}} (\S+)$', metrics, re.MULTILINE)
    assert found, via
    return float(found[1])


def test_it_runs_and_comes_back_for_ever(host: Host, exchanger: Exchanger) -> None:
    assert host.service(UNIT).is_enabled
    assert comes_back_for_ever(host, UNIT)
    assert shown(host, UNIT, "WatchdogUSec", "Type") == {"WatchdogUSec": "30s", "Type": "notify"}
    assert CANARY.is_well(exchanger, WORKER)


def test_it_listens_on_the_peer_link_for_exchangers_alone(
    host: Host, exchanger: Exchanger, peers: dict[str, Host], outside: Host
) -> None:
    ours = {(address, port) for address, port in listening(host) if port in (SMTP, METRICS)}

    assert ours == {(str(exchanger.peer), SMTP), (str(exchanger.peer), METRICS)}
    assert reach(outside, exchanger.peer, SMTP) == reach(outside, exchanger.peer, METRICS) == "dropped"
    for peer in peers.values():
        assert reach(peer, exchanger.peer, SMTP) == "open"


def test_it_tries_every_active_exchanger_at_the_inventory_s_pace(
    settings: dict[str, Any], exchange: Exchange
) -> None:
    active = {name: str(host.peer) for name, host in exchange.exchangers.items() if host.active}

    assert settings["send"]["exchangers"] == active
    for name in ("interval_seconds", "handover_seconds", "lost_after_seconds", "gtube_seconds"):
        assert settings["send"][name] == getattr(exchange.canary, name)


def test_it_accepts_its_own_settings(host: Host) -> None:
    assert host.run("/opt/twinmx/current/bin/twinmx-canary --check").rc == 0


def test_it_is_hardened_and_its_keys_are_its_own(host: Host) -> None:
    assert exposure(host, UNIT) <= 1.5
    file = f"/run/credentials/{UNIT}/srs-keys"
    assert host.run(f"setpriv --reuid twinmx --regid twinmx --clear-groups cat {file}").rc == 0
    assert host.run(f"setpriv --reuid nobody --clear-groups cat {file}").rc != 0


def another_arrives(exchanger: Exchanger, via: str, seconds: float) -> None:
    """Wait until one more message is back."""
    before = arrived(exchanger, via)
    until(lambda: arrived(exchanger, via) > before, seconds, f"a canary through {via}")


def test_its_mail_comes_back_through_every_exchanger(exchanger: Exchanger, exchange: Exchange) -> None:
    for via, host in exchange.exchangers.items():
        if host.active:
            another_arrives(exchanger, via, 2 * exchange.canary.interval_seconds + 10)


def test_postfix_knows_where_each_canary_lives(host: Host, exchange: Exchange) -> None:
    for name, facts in exchange.exchangers.items():
        key = f"canary@{name}.canary.invalid"
        maps = host.check_output("postconf -c /etc/postfix-out -hx transport_maps")
        domain = key.partition("@")[2]
        assert host.check_output(f"postmap -q {domain} '{maps}'") == f"canary:[{facts.peer}]:{SMTP}"


def test_the_snapshot_has_every_canary(host: Host, exchange: Exchange) -> None:
    table = "lmdb:/var/lib/twinmx/aliases/aliases"
    for name in exchange.exchangers:
        address = f"canary-{name}@{exchange.domains[0]}"
        assert host.check_output(f"postmap -q {address} {table}") == "OK"


@pytest.mark.changes
def test_one_that_hangs_is_killed_by_its_watchdog(
    host: Host, exchanger: Exchanger, exchange: Exchange, name: str
) -> None:
    before = main_pid(host, UNIT)

    host.check_output(f"kill -STOP {before}")

    until(lambda: main_pid(host, UNIT) not in (0, before), 60, "a new process of the canary")
    until(lambda: CANARY.is_well(exchanger, WORKER), 10, "the canary to be well")
    until(lambda: arrived(exchanger, name) > 0, exchange.canary.interval_seconds + 20, "its mail")
