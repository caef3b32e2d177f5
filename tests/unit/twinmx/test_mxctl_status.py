"""`mxctl status`: what is well, what is not, what is silent; on a screen of 100 columns and as JSON."""

import json
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.unit.twinmx.failover_settings import settings
from tests.unit.twinmx.operated import DELAYS, WELL, Operated, operated, until
from twinmx.aliases.database import settings as database
from twinmx.mxctl.faults import faults
from twinmx.mxctl.report import Report
from twinmx.mxctl.screen import show
from twinmx.spam.overrides import Override, change

NOW = 1_800_000_000.0
Pair = tuple[Operated, Operated]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with operated(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest.fixture
def pair(running: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Pair]:
    """Both well, and so again afterwards."""
    monkeypatch.setattr(database, "SETTINGS", tmp_path / "none.toml")
    yield running
    for host in running:
        host.programs.metrics, host.programs.delays = WELL, DELAYS


def test_a_pair_that_is_well(pair: Pair) -> None:
    report = pair[0].told("status")

    assert (report["host"], report["well"], report["wrong"]) == ("mx1", True, [])
    assert list(report["hosts"]) == ["mx1", "mx2"]
    for seen in report["hosts"].values():
        assert seen["agent"]["state"] == "active"
        assert seen["forwarders"] == seen["gates"] == {"up": 1, "of": 1}
        assert seen["queues"]["in"] == {
            "incoming": 0, "active": 0, "deferred": 7, "hold": 0,
            "oldest_seconds": 3700.0, "read_age_seconds": 1.0,
        }  # fmt: skip
        assert seen["queues"]["out"]["hold"] == 2
        assert seen["canary"]["mx2"] == {"last_seconds": 0.4, "known": 3, "lost": 1, "waiting_seconds": 0.0}
        assert [engine["breakers"]["closed"] for engine in seen["engines"]] == [2, 2]
        assert seen["limits"] == {"local": 0, "of": 2}
        assert seen["snapshot"] == {"aliases": 12, "age_seconds": 300.0, "source_age_seconds": None}


def test_on_one_screen_from_either_host(pair: Pair) -> None:
    for host in pair:
        answer = host.mxctl("status")

        assert answer.exit_code == 0, answer.output
        lines = answer.stdout.splitlines()
        assert lines[0] == "all well"
        assert max(map(len, lines)) <= 100
        assert f"{host.name} (here)" in answer.stdout
        assert "7 waiting, 7 of them deferred" in answer.stdout


def test_what_is_not_well_is_said_and_is_status_1(pair: Pair) -> None:
    host, other = pair
    other.programs.metrics = (
        WELL.replace('breaker_state{engine="rspamd"} 0', 'breaker_state{engine="rspamd"} 1')
        .replace("limits_local 0", "limits_local 1")
        .replace('read_age_seconds{instance="out"} 1', 'read_age_seconds{instance="out"} 300')
    )
    other.programs.delays = [0.3, None]

    wrong = [
        "mx2: the queue out was last read 5m ago",
        "mx2: its last canary through mx1 did not come back",
        "mx2: its last canary through mx2 did not come back",
        "mx2: rspamd is left alone by 2 of 2 workers (breaker)",
        "mx2: 2 of 2 workers count limits by themselves, without Valkey",
    ]
    until(lambda: host.told("status", status=1)["wrong"] == wrong)  # on a busy machine an agent has doubts
    until(lambda: host.mxctl("status").stdout.startswith(f"5 not well:\n  {wrong[0]}"))
    assert host.mxctl("status").exit_code == 1


def test_a_silent_agent_is_told(pair: Pair) -> None:
    host, other = pair
    for silent in pair:
        silent.kill()
        try:
            report = host.told("status", status=1)
            shown = host.mxctl("status").stdout
        finally:
            silent.restart()

        assert report["hosts"][silent.name]["agent"] is None
        assert report["wrong"] == [f"{silent.name}: its failover agent is silent"]
        assert "silent" in next(line for line in shown.splitlines() if "agent" in line)
    until(lambda: host.is_ready() and other.is_ready())


def test_a_host_on_which_nothing_answers_is_one_fault(pair: Pair, tmp_path: Path) -> None:
    host = pair[0]
    hole = settings(str(tmp_path)).hosts[1].address  # mx2's port of nobody
    text = host.file.read_text().replace(str(hole), "127.0.0.3")
    file, host.file = host.file, tmp_path / "elsewhere.toml"
    host.file.write_text(text)

    report = host.told("status", status=1)

    host.file = file
    assert report["wrong"] == ["mx2: nothing on it answers"]
    assert report["hosts"]["mx1"]["agent"]["state"] == "active"
    assert report["hosts"]["mx2"]["queues"] is None


def test_orders_about_engines_of_this_host_are_shown(pair: Pair) -> None:
    host, other = pair
    file = host.settings.local.overrides
    later = time.time() + 600
    by_ada = {"since": 0, "until": later, "by": "ada"}
    change(file, lambda orders: orders.update(spamassassin=Override(act="use", **by_ada)))
    try:
        engines = host.told("status")["hosts"]["mx1"]["engines"]
        shown = host.mxctl("status").stdout
    finally:
        change(file, dict.clear)

    assert [engine["name"] for engine in engines] == ["spamassassin", "rspamd"]
    assert engines[0]["order"] == {"act": "use", "by": "ada", "reason": "", "until": later}
    assert "by ada" in shown
    assert other.told("status")["hosts"]["mx2"]["engines"][0]["name"] == "rspamd"


def test_the_database_s_age_is_asked_where_one_is_followed(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = pair[0]
    monkeypatch.setattr("twinmx.mxctl.survey._source_port", lambda: host.settings.local.queues_port)
    for served in pair:
        served.programs.metrics += "twinmx_aliases_source_age_seconds 42\n"

    assert host.told("status")["hosts"]["mx2"]["snapshot"]["source_age_seconds"] == 42

    pair[1].programs.metrics = WELL
    wrong = host.told("status", status=1)["wrong"]
    assert wrong == ["mx2: nobody tells when the database of the aliases was last read"]


# --- without hosts: a report as it may be ----------------------------------------------------------


def report(**of_mx1: Any) -> Report:
    agent = {
        "state": "active", "cause": "", "since": NOW - 60, "mode": "auto", "active": True, "well": True,
        "bad": [], "suspect": [], "hold": None, "order": None, "recommends": [], "faults": {}, "demoted": [],
        "bypassed": {},
    }  # fmt: skip
    queue = {"incoming": 0, "active": 1, "deferred": 0, "hold": 0, "oldest_seconds": 5, "read_age_seconds": 2}
    way = {"last_seconds": 0.4, "known": 20, "lost": 0, "waiting_seconds": 0}
    engine = {"breakers": {"closed": 4}, "bypassed_until": None, "order": None}
    well = {
        "fqdn": "mx1.alias.example",
        "agent": agent,
        "forwarders": {"up": 2, "of": 2},
        "gates": {"up": 2, "of": 2},
        "queues": {"in": queue, "out": queue},
        "canary": {"mx1": way, "mx2": way},
        "engines": [{"name": "rspamd", **engine}, {"name": "spamassassin", **engine}],
        "limits": {"local": 0, "of": 2},
        "snapshot": {"aliases": 12, "age_seconds": 30, "source_age_seconds": None},
    }
    mx1 = {**well, **of_mx1, "agent": {**agent, **of_mx1.get("agent", {})}}
    act = {"at": NOW - 9, "host": "mx1", "name": "drain", "whom": "mx1", "cause": "canary, pending"}
    return Report.model_validate(
        {
            "at": NOW,
            "host": "mx2",
            "mx": {name: {"mx1": 10, "mx2": 20} for name in ("alias.example", "shop.example")},
            "hosts": {"mx1": mx1, "mx2": {**well, "fqdn": "mx2.alias.example"}},
            "acts": [act],
        }
    )


def told(seen: Report) -> list[str]:
    return faults(seen, settings())


def screen(seen: Report, width: int = 100) -> str:
    text = StringIO()
    show(seen, Console(file=text, width=width))
    return text.getvalue()


@pytest.mark.parametrize(
    ("agent", "says"),
    [
        ({"state": "drained", "cause": "canary"}, ["drained: canary"]),
        ({"bad": ["disk"], "suspect": ["disk", "gates"], "well": False},
         ["bad: disk", "looks bad, not for long enough to count: gates"]),
        ({"well": False}, ["its agent does not know yet how it is"]),
        ({"recommends": ["drain mx1: disk"]}, ["its agent may not act, and recommends: drain mx1: disk"]),
        ({"faults": {"dns": "SERVFAIL"}}, ["its agent cannot do what it decided: dns: SERVFAIL"]),
        ({"hold": {"by": "ada"}}, []),
    ],
)  # fmt: skip
def test_what_an_agent_says_is_judged(agent: dict[str, Any], says: list[str]) -> None:
    assert told(report(agent=agent)) == [f"mx1: {one}" for one in says]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"gates": {"up": 1, "of": 2}}, "1 of 2 gates do not answer"),
        ({"queues": None}, "twinmx-queues is silent"),
        ({"canary": None}, "its canary is silent"),
        ({"canary": {"mx2": {"last_seconds": 11, "known": 2, "lost": 0, "waiting_seconds": 0}}},
         "its last canary through mx2 took 11s"),
        ({"canary": {"mx2": {"last_seconds": 1, "known": 2, "lost": 0, "waiting_seconds": 130}}},
         "its canary through mx2 has been under way for 2m"),
        ({"snapshot": None}, "no worker tells of an alias snapshot"),
    ],
)  # fmt: skip
def test_what_programs_say_is_judged(changes: dict[str, Any], says: str) -> None:
    assert told(report(**changes)) == [f"mx1: {says}"]


def test_an_mx_order_that_is_not_the_inventory_s_is_told() -> None:
    seen = report()
    seen.mx["shop.example"] = {"mx1": 20, "mx2": 10}

    assert told(report()) == []
    assert told(seen) == ["MX of shop.example: mx2, mx1; by the inventory mx1, mx2"]
    assert "MX of shop.example: mx2 10, mx1 20\n" in screen(seen)


@pytest.mark.parametrize("width", [100, 160])
def test_the_screen_says_all_of_it_in_100_columns(width: int) -> None:
    shown = screen(
        report(
            agent={
                "state": "drained",
                "cause": "forwarders, gates, canary, pending, deferrals",
                "mode": "manual",
                "hold": {"by": "ada", "reason": "new disk", "until": NOW},
                "bypassed": {"rspamd": NOW},
            },
            engines=[{"name": "rspamd", "breakers": {"closed": 4}, "bypassed_until": NOW, "order": None}],
            queues=None,
            canary=None,
            limits=None,
        ),
        width,
    )

    assert max(map(len, shown.splitlines())) <= 100
    flat = " ".join(shown.split())
    for part in (
        "MX of alias.example, shop.example: mx1 10, mx2 20",
        "2027-01-15T07:59:51+00:00 mx1: drain mx1: canary, pending",
        "by ada until",
        "manual",
        "silent",
        "mx2 (here)",
    ):
        assert part in flat


def test_what_a_sick_host_says_neither_steers_nor_marks_up() -> None:
    shown = screen(report(agent={"state": "drained", "cause": "[red]\x1b[2J\u202e"}))

    assert "[red] [2J" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_infinite_ages_are_null_for_programs() -> None:
    seen = report(snapshot={"aliases": 1, "age_seconds": 1, "source_age_seconds": float("inf")})

    assert json.loads(seen.model_dump_json())["hosts"]["mx1"]["snapshot"]["source_age_seconds"] is None
    assert told(seen) == ["mx1: nobody tells when the database of the aliases was last read"]
