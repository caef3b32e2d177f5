"""`mxctl requeue`: the right messages get a new attempt each, in batches, and every one is accounted for."""

import asyncio
import json
import os
import signal
import syslog
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.waiting import until
from tests.unit.twinmx.queued import GREYLISTED, REFUSED, Queued
from twinmx.mxctl.main import app
from twinmx.queues import attempts

MINUTE = 60
NO_ACCOUNT = dict.fromkeys(("gone", "under_way", "deferred", "held"))
NOTHING = {"matched": 0, "asked": 0, "fault": None, **NO_ACCOUNT}


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    notes: list[str] = []
    monkeypatch.setattr(syslog, "syslog", lambda _, text: notes.append(text))
    return notes


@pytest.fixture
def queued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notes: list[str]) -> Queued:
    queued = Queued(tmp_path)
    monkeypatch.setenv("PATH", queued.path)
    monkeypatch.setattr(attempts, "SETTLE_SECONDS", 0.3)
    monkeypatch.setattr(attempts, "LOOK_EVERY_SECONDS", 0.01)
    queued.hold("in", "A1", "shop@alias.example", age=5 * MINUTE, reason=REFUSED)
    queued.hold("in", "A2", "toys@alias.example", age=20 * MINUTE, reason=REFUSED)
    queued.hold("in", "A3", "news@alias.example", age=30 * MINUTE, queue="active")
    queued.hold("in", "A4", "news@alias.example", age=30 * MINUTE, queue="hold", reason=REFUSED)
    queued.hold("out", "B1", "eve@mailbox.example", age=20 * MINUTE, reason=GREYLISTED)
    queued.hold("out", "B2", "Bob@Post.example", "eve@mailbox.example", age=30 * MINUTE, reason=GREYLISTED)
    queued.hold(
        "out",
        "B3",
        "bob@post.example",
        age=1 * MINUTE,
        reason="connect to x[198.51.100.9]:25: Connection refused",
    )
    return queued


def ask(queued: Queued, *arguments: str) -> Any:
    return CliRunner().invoke(
        app, ["requeue", "--settings", str(queued.settings), "--pause", "0s", *arguments]
    )


def told(queued: Queued, *arguments: str) -> Any:
    answer = ask(queued, "--json", *arguments)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_all_that_is_deferred_the_oldest_first(queued: Queued, notes: list[str]) -> None:
    answer = ask(queued, "--batch", "1")

    assert answer.exit_code == 0
    assert queued.asked("in") == ["A2", "A1"]
    assert queued.asked("out") == ["B2", "B1", "B3"]
    said = (
        "2 matched, 2 given a new attempt; of those that matched 2 are gone, 0 under way, 0 deferred, 0 held"
    )
    assert f"in: {said}" in answer.stdout.splitlines()
    assert f"mxctl requeue in: {said}" in notes


@pytest.mark.parametrize(
    ("arguments", "inbound", "outbound"),
    [
        (["--older", "10m"], ["A2"], ["B1", "B2"]),
        (["--reason", "greylisted"], [], ["B1", "B2"]),
        (["--reason", "ours"], ["A1", "A2"], []),
        (["--to", "bob@POST.example"], [], ["B2", "B3"]),
        (["--to", "mailbox.example"], [], ["B1", "B2"]),
        (["--to", "@mailbox.example"], [], ["B1", "B2"]),
        (["--to", "example"], [], []),
        (["--to", "post.example", "--reason", "refused"], [], ["B3"]),
        (["--instance", "in"], ["A1", "A2"], []),
        (["--instance", "out", "--older", "25m"], [], ["B2"]),
    ],
)
def test_what_is_wanted_and_nothing_else(
    queued: Queued, arguments: list[str], inbound: list[str], outbound: list[str]
) -> None:
    told(queued, *arguments)
    assert sorted(queued.asked("in")) == inbound
    assert sorted(queued.asked("out")) == outbound


@pytest.mark.parametrize(
    ("outcome", "place"),
    [("sent", "gone"), ("deferred", "deferred"), ("active", "under_way"), ("hold", "held")],
)
def test_the_account_adds_up(queued: Queued, outcome: str, place: str) -> None:
    queued.outcome("out", outcome)
    account = told(queued, "--instance", "out")["out"]
    assert account == {
        "matched": 3, "asked": 3, "gone": 0, "under_way": 0, "deferred": 0, "held": 0, "fault": None, place: 3
    }  # fmt: skip


def test_an_identifier_that_is_used_again_is_another_message(queued: Queued) -> None:
    again = queued.base / "again"
    queued.hold("out", "C1", "eve@mailbox.example", age=0)
    (queued.base / "out" / "queue" / "C1").rename(again)
    queued.program(
        "postqueue",
        (queued.programs / "postqueue")
        .read_text()
        .replace('rm -f "$directory/queue/$4"', f'sed "s/C1/$4/" {again} >"$directory/queue/$4"'),
    )
    account = told(queued, "--instance", "out")["out"]
    assert (account["gone"], account["deferred"]) == (3, 0)


def test_one_that_is_missed_in_a_look_is_looked_for_again(queued: Queued) -> None:
    """A message that moves from deferred to incoming while the queues are read is in neither."""
    queued.outcome("in", "deferred")
    look = 'echo look >>"$directory/looks"; if [ $(grep -c . "$directory/looks") = 2 ]; then exit 0; fi'
    script = (queued.programs / "postqueue").read_text()
    queued.program("postqueue", script.replace("-j) ", f"-j) {look}; "))
    account = told(queued, "--instance", "in")["in"]
    assert (account["gone"], account["deferred"]) == (0, 2)


def test_a_dry_run_only_counts(queued: Queued, notes: list[str]) -> None:
    assert told(queued, "--dry-run") == {
        "in": NOTHING | {"matched": 2}, "out": NOTHING | {"matched": 3}
    }  # fmt: skip
    assert "in: 2 matched" in ask(queued, "--dry-run").stdout.splitlines()
    assert queued.asked("in") + queued.asked("out") + notes == []


def test_where_nothing_matches_nothing_is_done(queued: Queued, notes: list[str]) -> None:
    assert told(queued, "--to", "nobody@alias.example") == {"in": NOTHING, "out": NOTHING}
    assert notes == []


def test_between_batches_it_waits_about_so_long(queued: Queued, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    for number in range(10, 17):
        queued.hold("out", f"C{number}", "eve@mailbox.example")
    told(queued, "--instance", "out", "--batch", "4", "--pause", "10s")

    assert len(queued.asked("out")) == 10
    assert len(waited) == 2  # 4, 4, 2
    assert all(5 <= seconds <= 15 for seconds in waited)
    assert len(set(waited)) == 2


def test_where_postfix_does_not_take_it_the_rest_is_left_alone(queued: Queued) -> None:
    for number in range(10, 40):
        queued.hold("out", f"C{number}", "eve@mailbox.example", age=2 * MINUTE)
    queued.mark("out", "down-after-asking")
    answer = ask(queued, "--json")

    assert answer.exit_code == 1
    results = json.loads(answer.stdout)
    assert results["in"]["gone"] == 2
    assert results["out"]["fault"] == "postqueue: fatal: no flush service"
    assert (results["out"]["asked"], results["out"]["deferred"]) == (0, 33)
    assert len(queued.asked("out")) == attempts.AT_ONCE


def test_a_queue_that_cannot_be_read_is_told_and_hinders_no_other(queued: Queued) -> None:
    queued.mark("in", "down")
    answer = ask(queued)
    assert answer.exit_code == 1
    assert "in: 0 matched; broken off: postqueue: fatal: Queue report unavailable" in answer.stdout
    assert sorted(queued.asked("out")) == ["B1", "B2", "B3"]


def test_an_operator_who_stops_it_gets_the_account(queued: Queued) -> None:
    def interrupt() -> None:
        until(lambda: queued.asked("in"), 10, "the first attempt")
        os.kill(os.getpid(), signal.SIGINT)

    stopper = threading.Thread(target=interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is started deaf to it
    stopper.start()
    answer = ask(queued, "--batch", "1", "--pause", "60s", "--json")
    stopper.join()

    assert answer.exit_code == 1
    results = json.loads(answer.stdout)
    assert list(results) == ["in"]
    assert results["in"]["fault"] == "interrupted"
    assert (results["in"]["matched"], results["in"]["gone"], results["in"]["deferred"]) == (2, 1, 1)
    assert queued.asked("out") == []


@pytest.mark.parametrize(
    "arguments",
    [["--older", "ten"], ["--reason", "mood"], ["--batch", "0"], ["--instance", "x"], ["--pause", "-1s"]],
)
def test_what_makes_no_sense_is_a_usage_error(queued: Queued, arguments: list[str]) -> None:
    assert ask(queued, *arguments).exit_code == 2
    assert queued.asked("in") == []
