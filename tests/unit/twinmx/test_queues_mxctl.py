"""`mxctl queue` says who waits, how long and why; strangers' names stay text."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.unit.twinmx.queued import GREYLISTED, REFUSED, Queued
from twinmx.mxctl.main import app

MINUTE, HOUR, DAY = 60, 3600, 86400
AGES = ["<1m", "<5m", "<15m", "<1h", "<4h", "<1d", "<3d", "3d+"]


@pytest.fixture
def queued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queued:
    queued = Queued(tmp_path)
    monkeypatch.setenv("PATH", queued.path)
    monkeypatch.setenv("COLUMNS", "120")
    queued.hold("in", "A1", "shop@alias.example", age=2 * MINUTE, reason=REFUSED)
    queued.hold("in", "A2", "Shop@alias.example", age=20 * MINUTE, reason=REFUSED)
    queued.hold("in", "A3", "toys@alias.example", "news@alias.example", queue="active")
    queued.hold("out", "B1", "eve@mailbox.example", age=2 * DAY, reason=GREYLISTED)
    queued.hold("out", "B2", "eve@mailbox.example", "ada@mailbox.example", age=5 * DAY, queue="hold")
    queued.hold("out", "B3", "bob@post.example", age=5 * HOUR, reason=REFUSED.replace("20381", "25"))
    return queued


def ask(queued: Queued, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["queue", "--settings", str(queued.settings), *arguments])


def told(queued: Queued, *arguments: str) -> Any:
    answer = ask(queued, "--json", *arguments)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def rows(queued: Queued, instance: str, by: str) -> dict[str, int]:
    found = told(queued, "--instance", instance, "--by", by)[instance]
    return {row["name"]: row["recipients"] for row in found["rows"]}


def lines(queued: Queued, *arguments: str) -> list[list[str]]:
    answer = ask(queued, *arguments)
    assert answer.exit_code == 0, answer.output
    return [line.split() for line in answer.stdout.splitlines()]


def test_by_default_aliases_inside_and_domains_outside(queued: Queued) -> None:
    shown = lines(queued)

    assert ["alias", "all", *AGES] in shown
    assert ["shop@alias.example", "2", ".", "1", ".", "1", ".", ".", ".", "."] in shown
    assert ["all", "4", "2", "1", ".", "1", ".", ".", ".", "."] in shown
    assert ["destination", "all", *AGES] in shown
    assert ["mailbox.example", "3", ".", ".", ".", ".", ".", ".", "1", "2"] in shown
    assert ["inbound:", "waits", "for", "us", "(3", "messages)"] in shown


def test_for_programs(queued: Queued) -> None:
    found = told(queued)

    assert list(found) == ["in", "out"]
    assert (found["in"]["by"], found["in"]["messages"], found["in"]["recipients"]) == ("alias", 3, 4)
    assert found["in"]["rows"][0] == {
        "name": "shop@alias.example",
        "recipients": 2,
        "of_which": dict(zip(AGES, [0, 1, 0, 1, 0, 0, 0, 0], strict=True)),
    }
    assert found["in"]["rest"] is None


def test_by_each_question(queued: Queued) -> None:
    assert rows(queued, "in", "account") == {"eve": 3, "(no account)": 1}
    assert rows(queued, "in", "mailbox") == {
        "eve@mailbox.example": 3, "ada@mailbox.example": 1, "bob@post.example": 1
    }  # fmt: skip
    assert rows(queued, "in", "reason") == {"ours": 2, "no attempt failed": 2}
    assert rows(queued, "in", "destination") == {"alias.example": 4}
    assert rows(queued, "out", "mailbox") == {
        "eve@mailbox.example": 2, "ada@mailbox.example": 1, "bob@post.example": 1
    }  # fmt: skip
    assert rows(queued, "out", "reason") == {"no attempt failed": 2, "greylisted": 1, "refused": 1}


def test_by_age_the_columns_are_the_queues_and_ages_in_order(queued: Queued) -> None:
    shown = lines(queued, "--by", "age")

    assert ["age", "all", "maildrop", "incoming", "active", "deferred", "hold"] in shown
    assert [row[0] for row in shown if row[:1] != ["all"] and len(row) == 7] == [
        "age",
        "<1m",
        "<5m",
        "<1h",
        "age",
        "<1d",
        "<3d",
        "3d+",
    ]
    assert ["3d+", "2", ".", ".", ".", ".", "2"] in shown


def test_only_so_many_and_the_others_in_one(queued: Queued) -> None:
    found = told(queued, "--by", "mailbox", "--limit", "1")["out"]

    assert [row["name"] for row in found["rows"]] == ["eve@mailbox.example"]
    assert (found["rest"]["name"], found["rest"]["recipients"]) == ("(2 others)", 2)
    assert found["recipients"] == 4


def test_an_alias_is_asked_of_the_queue_that_knows_it(queued: Queued) -> None:
    assert list(told(queued, "--by", "alias")) == ["in"]
    refused = ask(queued, "--by", "alias", "--instance", "out")
    assert refused.exit_code == 2
    assert "destination, mailbox, reason, age" in " ".join(refused.output.replace("│", " ").split())


def test_who_has_no_alias_waits_under_a_name_of_its_own(queued: Queued) -> None:
    queued.hold("in", "A4", "srs0=x=y=sender.example=a@alias.example")
    assert rows(queued, "in", "account")["(no alias)"] == 1


def test_a_stranger_writes_nothing_but_text_on_the_screen(queued: Queued) -> None:
    queued.hold("out", "B4", "[red]x\x1b[2J@\u202eevil.example")
    said = ask(queued, "--by", "mailbox", "--instance", "out").stdout
    assert "[red]x?[2j@?evil.example" in said


def test_empty_queues_are_shown_as_such(queued: Queued) -> None:
    for name in ("in", "out"):
        for file in (queued.base / name / "queue").iterdir():
            file.unlink()
    assert ["all", "0", *"........"] in lines(queued, "--instance", "in")
    assert told(queued)["out"]["rows"] == []


def test_what_cannot_be_read_is_told(queued: Queued, tmp_path: Path) -> None:
    (tmp_path / "aliases.lmdb").unlink()
    no_snapshot = ask(queued, "--by", "account")
    queued.mark("in", "down")
    down = ask(queued)
    (tmp_path / "queues.toml").unlink()
    no_settings = ask(queued)

    assert [answer.exit_code for answer in (no_snapshot, down, no_settings)] == [1, 1, 1]
    assert "aliases.lmdb: No such file" in no_snapshot.stderr
    assert "in: postqueue: fatal: Queue report unavailable - mail system is down" in down.stderr
    assert "queues.toml" in no_settings.stderr


@pytest.mark.parametrize("arguments", [["--by", "colour"], ["--instance", "middle"], ["--limit", "0"]])
def test_what_makes_no_sense_is_a_usage_error(queued: Queued, arguments: list[str]) -> None:
    assert ask(queued, *arguments).exit_code == 2
