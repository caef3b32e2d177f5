"""The forwarder's workers, as systemd, Postfix, a monitor and a killer see them."""

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from inventory.schema import Exchange, Exchanger
from lab.converging import Pair
from lab.waiting import until
from tests.hosts.asking import Host, comes_back_for_ever, exposure, main_pid, run_python, shown
from tests.hosts.conftest import reached
from tests.hosts.workers import Workers

pytestmark = pytest.mark.role("forwarder")

WORKERS = Workers("forwarder", 20400)
EHLO = """
import smtplib
with smtplib.SMTP({address!r}, 20381, timeout=5) as session:
    session.ehlo("test.example")
    print(*session.esmtp_features)
"""

TELL = """
import smtplib
with smtplib.SMTP({address!r}, 20381, timeout=5) as session:
    session.ehlo("test.example")
    print(session.has_extn("xdelivered"), session.docmd("XDELIVERED", "../x")[0])
"""


@pytest.fixture
def settings(host: Host) -> dict[str, Any]:
    return WORKERS.settings(host)


def test_exactly_as_many_workers_run_as_the_inventory_says(host: Host, exchange: Exchange) -> None:
    units = host.check_output("systemctl list-units --all --plain --no-legend 'forwarder@*.service'")
    running = [line.split()[0] for line in units.splitlines() if line.split()[2] == "active"]

    assert running == [f"forwarder@{n}.service" for n in range(1, exchange.forwarder.workers + 1)]
    assert len(units.splitlines()) == exchange.forwarder.workers, "no leftover units"


def test_all_of_them_share_the_port(host: Host, exchange: Exchange, exchanger: Exchanger) -> None:
    rows = host.check_output("ss -Hltn sport = :20381").splitlines()
    addresses = [row.split()[3] for row in rows]

    for address in ("127.0.0.1", exchanger.peer):
        assert addresses.count(f"{address}:20381") == exchange.forwarder.workers


def test_they_start_at_boot(host: Host) -> None:
    assert host.service("forwarder.target").is_enabled


def test_a_worker_that_hangs_or_dies_comes_back_for_ever(host: Host) -> None:
    seen = shown(host, "forwarder@1.service", "WatchdogUSec", "Type", "NotifyAccess")

    assert comes_back_for_ever(host, "forwarder@1.service")
    assert seen["WatchdogUSec"] == "30s"
    assert seen["Type"] == "notify"


def test_each_worker_is_well_and_counts(exchange: Exchange, exchanger: Exchanger) -> None:
    for worker in range(1, exchange.forwarder.workers + 1):
        assert WORKERS.is_well(exchanger, worker)
        metrics = WORKERS.answer(exchanger, worker, "/metrics")
        for name in ("twinmx_forwarder_messages", "twinmx_forwarder_seconds", "twinmx_forwarder_in_flight"):
            assert f"# TYPE {name}" in metrics


def test_a_peer_is_offered_what_mail_needs_to_stay_as_it_is(
    exchanger: Exchanger, peers: Mapping[str, Host]
) -> None:
    for peer in peers.values():
        offered = set(run_python(peer, EHLO.format(address=str(exchanger.peer))).split())
        assert {"8bitmime", "smtputf8", "size", "xforward"} <= offered


def test_it_accepts_its_own_settings(host: Host) -> None:
    assert host.run("/opt/twinmx/current/bin/twinmx-forwarder --check").rc == 0


def test_each_deadline_lies_inside_the_one_around_it(host: Host, settings: dict[str, Any]) -> None:
    """Engine < all engines < the forwarder's total < Postfix's wait, from what the programs have in force."""
    waits = host.check_output("postconf -Ph fwd/unix/smtp_data_done_timeout")
    spam = settings["spam"]
    engines = [spam[engine]["budget_seconds"] for engine in spam["engines"]]

    assert waits.endswith("s")
    chain = [max(engines), spam["total_seconds"], settings["deadline"]["total_seconds"], float(waits[:-1])]
    assert chain == sorted(set(chain))
    parts = spam["total_seconds"] + settings["reinject"]["seconds"] + settings["peers"]["seconds"]
    assert parts <= settings["deadline"]["total_seconds"]


def test_postfix_waits_for_more_workers_than_it_can_ask_at_once(host: Host, settings: dict[str, Any]) -> None:
    """All `fwd` processes of all exchangers must find a connection."""
    processes = int(host.check_output("postconf -M fwd/unix").split()[6])

    assert settings["listen"]["max_connections"] >= 2 * processes


def test_what_is_delivered_is_known_to_the_programs_alone_and_for_longer_than_a_queue(host: Host) -> None:
    directory = host.file("/var/lib/twinmx/delivered")
    days = host.check_output("postconf -h maximal_queue_lifetime")
    rule = host.check_output("grep /var/lib/twinmx/delivered /etc/tmpfiles.d/*twinmx*")

    assert (directory.user, directory.mode) == ("twinmx", 0o700)
    assert int(rule.split()[-1].removesuffix("d")) > int(days.removesuffix("d"))


def test_a_peer_may_tell_what_is_delivered(exchanger: Exchanger, peers: Mapping[str, Host]) -> None:
    for peer in peers.values():
        said = run_python(peer, TELL.format(address=str(exchanger.peer)))
        assert said.split() == ["True", "501"], "announced, and only fingerprints are taken"


def test_its_memory_is_capped(host: Host) -> None:
    """Above what it may have in hand (a unit test knows how that is reckoned), and far below the host's."""
    settings = tomllib.loads(host.file("/etc/twinmx/forwarder.toml").content_string)
    cap = int(shown(host, "forwarder@1.service", "MemoryMax")["MemoryMax"])

    assert 4 * settings["listen"]["max_bytes_in_hand"] < cap < 1 << 30


def test_it_sees_its_key_and_no_other_user_does(host: Host) -> None:
    credential = "/run/credentials/forwarder@1.service/srs-keys"

    assert host.run(f"setpriv --reuid twinmx --regid twinmx --clear-groups cat {credential}").rc == 0
    assert host.run(f"setpriv --reuid nobody --clear-groups cat {credential}").rc != 0


def test_it_is_hardened(host: Host) -> None:
    assert exposure(host, "forwarder@1.service") <= 1.5


@pytest.mark.changes
def test_a_killed_worker_is_back_within_seconds_and_the_others_serve_on(
    host: Host, exchange: Exchange, exchanger: Exchanger
) -> None:
    before = {n: main_pid(host, f"forwarder@{n}") for n in range(1, exchange.forwarder.workers + 1)}

    host.check_output(f"kill -9 {before[1]}")

    assert run_python(host, EHLO.format(address="127.0.0.1")), "the port is served meanwhile"
    until(lambda: main_pid(host, "forwarder@1") not in (0, before[1]), 5, "a new process of worker 1")
    until(lambda: WORKERS.is_well(exchanger, 1), 5, "worker 1 to be well")
    assert {n: main_pid(host, f"forwarder@{n}") for n in before if n != 1} == {
        n: pid for n, pid in before.items() if n != 1
    }


@pytest.mark.changes
def test_a_worker_that_hangs_is_killed_by_its_watchdog(pair: Pair) -> None:
    """Frozen, it no longer tells systemd that it lives; the watchdog waits 30 s. One host is enough."""
    facts = pair.exchange.exchangers[pair.last]
    host = reached(str(facts.address))
    before = main_pid(host, "forwarder@2")

    host.check_output(f"kill -STOP {before}")

    until(lambda: main_pid(host, "forwarder@2") not in (0, before), 45, "a new process of worker 2")
    until(lambda: WORKERS.is_well(facts, 2), 5, "worker 2 to be well")
    assert "watchdog" in host.check_output("journalctl -q -u forwarder@2 -n 20 -o cat").lower()
