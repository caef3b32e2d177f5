"""Who is told of an alert: the routes of several inventories, and the cluster."""

from typing import Any

import pytest
import yaml

from inventory.receivers import Times
from inventory.schema import Exchange
from roles.alertmanager import CONFIGURATION, SECRETS, intervals, render_files, unheard
from roles.lib.managed import ManagedFile
from tests.unit.roles.exchanges import (
    MX1,
    MX2,
    MX3,
    PEER_LINK,
    RELAY_PASSWORD,
    WEBHOOK,
    all_secrets,
    exchange,
    site,
)
from tests.unit.roles.rendered import named, text

MAIL = {
    "kind": "smtp",
    "relay": "relay.elsewhere.example",
    "user": "mx",
    "sender": "mx@ours.elsewhere.example",
    "to": "me@ours.elsewhere.example",
}
TOLD = exchange(
    monitors={
        "receivers": {"hook": {"kind": "webhook"}, "mail": MAIL},
        "routes": {
            "wake": {"severities": ["page"], "receivers": ["hook", "mail"], "times": ["nights"]},
            "desk": {"severities": ["ticket"], "receivers": ["mail"]},
        },
        "times": {"nights": {"begin": "20:00", "end": "08:00", "location": "Europe/Paris"}},
        "group_seconds": 7,
        "repeat_hours": 2,
    }
)


def configuration(of: Exchange) -> dict[str, Any]:
    return dict(yaml.safe_load(text(named(render_files(site(of)), CONFIGURATION))))


def flags(of: Exchange, name: str = "mx1") -> str:
    return text(named(render_files(site(of, name)), "/etc/default/prometheus-alertmanager"))


def test_each_severity_goes_where_its_routes_lead_and_when() -> None:
    heartbeat, *routes = configuration(TOLD)["route"]["routes"]

    assert heartbeat["matchers"] == ['severity="heartbeat"']
    assert heartbeat["receiver"] == "nobody"
    assert [
        (route["matchers"], route["receiver"], route.get("active_time_intervals")) for route in routes
    ] == [
        (['severity=~"page"'], "hook", ["nights"]),
        (['severity=~"page"'], "mail", ["nights"]),
        (['severity=~"ticket"'], "mail", None),
    ]
    assert all(route["continue"] for route in routes), "a route must not hide those behind it"


def test_the_heartbeat_goes_to_its_receiver_alone_and_is_repeated() -> None:
    monitors = {"receivers": {"hook": {"kind": "webhook"}}, "heartbeat": "hook", "heartbeat_seconds": 30}

    (heartbeat,) = configuration(exchange(monitors=monitors))["route"]["routes"]

    assert (heartbeat["receiver"], heartbeat["repeat_interval"]) == ("hook", "30s")


def test_alerts_are_grouped_by_kind_and_host() -> None:
    route = configuration(TOLD)["route"]

    assert route["group_by"] == ["alertname", "host"]
    assert (route["group_wait"], route["repeat_interval"]) == ("7s", "2h")
    assert route["receiver"] == "nobody", "what no route takes is shown and not sent"


def test_a_silent_host_hides_its_other_alerts_and_those_of_no_other_host() -> None:
    (rule,) = configuration(TOLD)["inhibit_rules"]

    assert rule == {
        "source_matchers": ['alertname="HostSilent"'],
        "target_matchers": ['alertname!="HostSilent"'],
        "equal": ["host"],
    }


@pytest.mark.parametrize(
    ("kind", "key"),
    [("pagerduty", "routing_key_file"), ("opsgenie", "api_key_file"), ("webhook", "url_file")],
)
def test_a_service_is_reached_with_a_key_from_a_file(kind: str, key: str) -> None:
    monitors = {"receivers": {"hook": {"kind": kind}}, "routes": {"all": {"receivers": ["hook"]}}}

    (_, receiver) = configuration(exchange(monitors=monitors))["receivers"]

    assert receiver == {"name": "hook", f"{kind}_configs": [{key: f"{SECRETS}/hook"}]}


def test_mail_leaves_through_the_relay() -> None:
    (receiver,) = [one for one in configuration(TOLD)["receivers"] if one["name"] == "mail"]

    assert receiver["email_configs"] == [
        {
            "to": "me@ours.elsewhere.example",
            "from": "mx@ours.elsewhere.example",
            "smarthost": "relay.elsewhere.example:587",
            "auth_username": "mx",
            "auth_password_file": f"{SECRETS}/mail",
        }
    ]


def test_secrets_are_in_files_of_prometheus_alone() -> None:
    files = render_files(site(TOLD))
    telling = [file for file in files if any(secret in text(file) for secret in all_secrets())]

    assert {file.path: text(file) for file in telling} == {
        f"{SECRETS}/hook": WEBHOOK,
        f"{SECRETS}/mail": RELAY_PASSWORD,
    }
    for file in telling:
        assert isinstance(file, ManagedFile)
        assert (file.mode, file.user, file.secret) == ("0400", "prometheus", True)


def times(**facts: object) -> list[tuple[list[str], str, str]]:
    return [
        (one["weekdays"], one["times"][0]["start_time"], one["times"][0]["end_time"])
        for one in intervals(Times.model_validate(facts))
    ]


def test_hours_past_midnight_belong_to_the_day_on_which_they_begin() -> None:
    assert times(weekdays=["friday", "sunday"], begin="18:00", end="08:00") == [
        (["friday", "sunday"], "18:00", "24:00"),
        (["saturday", "monday"], "00:00", "08:00"),
    ]


def test_hours_within_a_day() -> None:
    assert times(weekdays=["monday"], begin="08:00", end="18:00") == [(["monday"], "08:00", "18:00")]
    assert times(weekdays=["monday"]) == [(["monday"], "00:00", "24:00")]
    assert times(weekdays=["monday"], begin="18:00", end="00:00") == [(["monday"], "18:00", "24:00")]


def test_all_hours_from_one_day_to_the_next() -> None:
    assert times(weekdays=["monday"], begin="08:00", end="08:00") == [
        (["monday"], "08:00", "24:00"),
        (["tuesday"], "00:00", "08:00"),
    ]


def test_who_would_hear_nothing_is_known() -> None:
    assert unheard(exchange().monitors) == ["page", "ticket"]
    assert unheard(TOLD.monitors) == ["page"], "at day nobody is paged"


def test_all_of_them_are_one_cluster_on_the_peer_link() -> None:
    told = flags(exchange(MX1, MX2 | PEER_LINK, MX3), "mx2")

    assert "--web.listen-address=10.0.0.12:20467 " in told
    assert "--cluster.listen-address=10.0.0.12:20468 " in told
    assert "--cluster.advertise-address=10.0.0.12:20468 " in told
    assert {word for word in told.split() if word.startswith("--cluster.peer=")} == {
        "--cluster.peer=198.51.100.11:20468",
        "--cluster.peer=198.51.100.13:20468",
    }


def turn(told: str) -> float:
    """Seconds of --cluster.peer-timeout."""
    (found,) = [word for word in told.split() if word.startswith("--cluster.peer-timeout=")]
    return float(found.partition("=")[2].removesuffix("s"))


@pytest.mark.parametrize("regroup", [1, 5, 20, 60, 3_600])
@pytest.mark.parametrize("hosts", [(MX1, MX2), (MX1, MX2, MX3)], ids=["two", "three"])
def test_the_last_ones_turn_is_over_before_the_first_ones_next_round(
    regroup: int, hosts: tuple[dict[str, object], ...]
) -> None:
    """Else it would tell, once more and as firing, what the first has told is over."""
    each = turn(flags(exchange(*hosts, monitors={"regroup_seconds": regroup})))

    assert 0 < each * (len(hosts) - 1) <= regroup / 2
    assert each <= 15, "an alert must not wait longer for one that is dead than it would without us"


def test_alone_it_joins_nobody() -> None:
    told = flags(exchange(MX1))

    assert told.rstrip().endswith('--cluster.listen-address="')
    assert "--cluster.peer" not in told
