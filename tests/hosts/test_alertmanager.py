"""Alertmanager of each host, and what reaches the outside when something stops."""

import json
import time
from collections.abc import Iterator, Mapping

import pytest

from inventory.schema import Exchange, Exchanger
from inventory.secrets import Secrets
from lab.waiting import until
from lab.watching import ALERTMANAGER, PAGER, PATIENCE_SECONDS, fetched, repeated, told_of
from roles.alertmanager import SECRETS, turn_seconds
from tests.hosts.asking import Host, comes_back_for_ever, exposure, listening, reach
from tests.hosts.conftest import INVENTORY

pytestmark = pytest.mark.role("alertmanager")

UNIT = "prometheus-alertmanager.service"
CLUSTER = 20468
MAIL = "postfix.service postfix@out.service"


def members(exchanger: Exchanger) -> int:
    """How many Alertmanagers the one of a host knows, itself included."""
    status = json.loads(fetched(f"http://{exchanger.peer}:{ALERTMANAGER}/api/v2/status"))
    return len(status["cluster"]["peers"])


def test_all_of_them_are_one_cluster(exchange: Exchange, exchanger: Exchanger) -> None:
    until(lambda: members(exchanger) == len(exchange.exchangers), PATIENCE_SECONDS, "the whole cluster")


def test_it_is_open_to_the_monitors_and_the_cluster_to_the_peers_alone(
    host: Host, exchanger: Exchanger, peers: Mapping[str, Host], outside: Host
) -> None:
    ours = {(address, port) for address, port in listening(host) if port in (ALERTMANAGER, CLUSTER)}
    assert ours == {(str(exchanger.peer), ALERTMANAGER), (str(exchanger.peer), CLUSTER)}

    for port in (ALERTMANAGER, CLUSTER):
        assert reach(outside, exchanger.peer, port) == "dropped"
        for peer in peers.values():
            assert reach(peer, exchanger.peer, port) == "open"


def test_it_comes_back_for_ever_and_may_do_little(host: Host) -> None:
    assert host.service(UNIT).is_enabled
    assert comes_back_for_ever(host, UNIT)
    assert exposure(host, UNIT) < 2.5


def test_its_secrets_are_files_of_its_own_and_shown_nowhere(
    host: Host, exchange: Exchange, exchanger: Exchanger, secrets: Secrets
) -> None:
    shown = fetched(f"http://{exchanger.peer}:{ALERTMANAGER}/api/v2/status")

    for name, receiver in secrets.receivers.items():
        file = host.file(f"{SECRETS}/{name}")
        assert file.exists is (name in exchange.monitors.receivers)
        if file.exists:
            assert (file.user, file.mode) == ("prometheus", 0o400)
        assert receiver.secret.get_secret_value() not in shown


@pytest.fixture
def pager() -> None:
    """The outside host, which has heard of nothing yet."""
    if INVENTORY != "inventory/lab.py":
        pytest.skip("only the lab pair has a receiver that can be asked what it heard")
    fetched(PAGER, "DELETE")


@pytest.fixture
def without_mail(host: Host, peers: Mapping[str, Host]) -> Iterator[None]:
    """Postfix is stopped on every exchanger: nothing could be mailed."""
    hosts = [host, *peers.values()]
    for one in hosts:
        one.check_output(f"systemctl stop {MAIL}")
    yield
    for one in hosts:
        one.check_output(f"systemctl start {MAIL}")


def everybody_had_a_turn(exchange: Exchange) -> None:
    """Wait until each of the cluster could have told what has been told once more, in two rounds."""
    monitors, members = exchange.monitors, len(exchange.exchangers)
    seconds = 2 * monitors.regroup_seconds + (members - 1) * turn_seconds(monitors, members)
    heard = time.monotonic()
    until(lambda: time.monotonic() > heard + seconds, seconds + PATIENCE_SECONDS, "everybody's turn to tell")


@pytest.mark.changes
@pytest.mark.usefixtures("pager", "without_mail")
def test_an_alert_reaches_the_outside_once_while_no_mail_moves(
    exchange: Exchange, host: Host, name: str
) -> None:
    """Both Prometheus see it, both Alertmanagers are told: one notification, and one when it is over."""
    labels = {"alertname": "ProgramMissing", "host": name, "job": "queues"}
    try:
        host.check_output("systemctl stop queues.service")
        until(lambda: told_of("firing", **labels), PATIENCE_SECONDS, f"{labels} at the outside host")
        everybody_had_a_turn(exchange)
        assert not told_of("resolved", **labels)
    finally:
        host.check_output("systemctl start queues.service")
    until(lambda: told_of("resolved", **labels), PATIENCE_SECONDS, f"the end of {labels}")
    everybody_had_a_turn(exchange)

    assert repeated(alertname=labels["alertname"], host=name) == []
    assert len(told_of("resolved", **labels)) == 1


@pytest.mark.changes
@pytest.mark.usefixtures("pager")
def test_an_alert_still_leaves_when_the_alertmanager_of_its_host_is_gone(host: Host, name: str) -> None:
    labels = {"alertname": "ProgramMissing", "host": name, "job": "queues"}
    try:
        host.check_output(f"systemctl stop queues.service {UNIT}")
        until(lambda: told_of("firing", **labels), PATIENCE_SECONDS, f"{labels} at the outside host")
        until(
            lambda: told_of("firing", alertname="AlertmanagerSilent", host=name),
            PATIENCE_SECONDS,
            "the alert about the one that is gone",
        )
    finally:
        host.check_output(f"systemctl start queues.service {UNIT}")
    until(lambda: told_of("resolved", **labels), PATIENCE_SECONDS, f"the end of {labels}")
