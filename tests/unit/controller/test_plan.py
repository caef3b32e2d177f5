"""The plan as a document, from what the operations told; tests/plan runs the command."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from controller import pyinfra
from controller.cli import app
from controller.plan.document import plan_of
from controller.plan.schema import FILE, render
from roles.lib.changes import (
    Anything,
    FileChange,
    Kept,
    Obstacle,
    PackageChange,
    RecordChange,
    RecordSet,
    ServiceChange,
)
from roles.lib.telling import Account, Place, Step

FILES = [FileChange(path=f"/etc/{number}", action="change") for number in range(3)]
RESTART = ServiceChange(name="spamd", action="restart", units=("spamd.service",), reasons=("/etc/1",))
RECORD = RecordChange(
    zone="alias.example",
    name="alias.example.",
    type="MX",
    action="change",
    before=RecordSet(ttl=300, values=("10 mx1.alias.example.",)),
    after=RecordSet(ttl=60, values=("10 mx2.alias.example.",)),
)


def told(*what: Anything, failed: bool = False, errors: tuple[str, ...] = (), name: str = "mx1") -> Place:
    steps = [Step(operation=str(number), what=each) for number, each in enumerate(what)]
    return Place(pyinfra=name, failed=failed, errors=list(errors), steps=steps)


def plan(*operations: dict[str, Any], **places: Place) -> Any:
    return plan_of("inventory/lab.py", {}, Account(places=places), operations)


def test_a_line_for_each_place_says_how_much() -> None:
    made = plan(mx1=told(*FILES, RESTART), mx2=told(name="mx2"), DNS=told(RECORD, RECORD, name="@local"))

    summaries = {name: place.summary for name, place in made.places.items()}
    assert summaries == {"mx1": "3 files, 1 restart", "mx2": "nothing", "DNS": "2 records"}
    assert (made.result, made.status) == ("changes", 2)


@pytest.mark.parametrize(
    ("places", "status"),
    [
        ({"mx1": told()}, 0),
        ({"mx1": told(Kept(what="the drain stays", why="a failover"))}, 0),
        ({"mx1": told(PackageChange(name="rspamd", action="install"))}, 2),
        ({"mx1": told(), "DNS": told(RECORD, name="@local")}, 2),
        ({"mx1": told(*FILES), "mx2": told(failed=True, name="mx2")}, 1),
        ({"mx1": told(Obstacle(text="mx1 cannot become an exchanger"))}, 1),
        ({"mx1": told(), "DNS": told(Obstacle(text="no answer"), name="@local")}, 1),
    ],
    ids=["nothing", "kept", "a package", "a record", "silent", "obstacle", "no name server"],
)
def test_the_exit_status_tells_nothing_changes_and_errors_apart(
    places: dict[str, Place], status: int
) -> None:
    assert plan(**places).status == status


def test_a_host_that_was_not_reached_says_why() -> None:
    made = plan(mx1=told(failed=True, errors=("Could not connect (timed out)",)), mx2=told(failed=True))

    assert made.hosts["mx1"].summary == "error: Could not connect (timed out)"
    assert made.hosts["mx2"].errors == ["could not be asked"]


def test_an_operation_that_tells_nothing_is_a_step_on_the_hosts_it_changes() -> None:
    operation = {
        "op_hash": "x",
        "name": "spamd | rules: fetched",
        "hosts_with_change": ["mx1"],
        "hosts_with_conditional_change": [],
    }
    known = operation | {"op_hash": "0", "name": "told"}

    made = plan(operation, known, mx1=told(RESTART), mx2=told(name="mx2"))

    assert [change.headline for change in made.hosts["mx1"].changes] == [
        "restart spamd: /etc/1",
        "spamd | rules: fetched",
    ]
    assert made.hosts["mx1"].summary == "1 restart, 1 other step"
    assert made.hosts["mx2"].changes == []


def test_a_record_shows_what_goes_and_what_comes() -> None:
    assert RECORD.headline == "~ alias.example. MX: TTL 300 → 60 s"
    assert list(RECORD.details) == ["- 10 mx1.alias.example.", "+ 10 mx2.alias.example."]


def test_a_service_with_many_reasons_names_the_first() -> None:
    many = RESTART.model_copy(update={"reasons": ("a", "b", "c", "d", "e")})

    assert many.headline == "restart spamd: a, b, c and 2 more"


def test_the_schema_in_the_documentation_is_that_of_the_document() -> None:
    assert FILE.read_text() == render(), "run: python -m controller.plan.schema"


def test_the_command_line_lists_its_commands_and_completes_inventories(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runner = CliRunner()
    shown = runner.invoke(app, ["--help"], prog_name="twinmx").output
    for word in ("converge", "plan", "unchanged", "mxctl", "--install-completion"):
        assert word in shown

    monkeypatch.setenv("_TWINMX_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "twinmx plan inventory/l")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert runner.invoke(app, [], prog_name="twinmx").output.split() == ["inventory/lab.py"]


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ("--> Loading config...\n--> Loading inventory...\nx.yml:3: no\n", "x.yml:3: no"),
        ("--> Connecting...\n[mx1] ok\n--> Preparing\nTraceback\nKeyError", "Traceback\nKeyError"),
        ("no heading", "no heading"),
    ],
)
def test_what_pyinfra_said_last_is_why_it_ended(told: str, complaint: str) -> None:
    assert pyinfra.complaint(told) == complaint


def test_the_command_is_found_from_anywhere(tmp_path: Path) -> None:
    link = tmp_path / "twinmx"
    link.symlink_to(pyinfra.ROOT / "bin" / "twinmx")

    done = subprocess.run([str(link), "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "Usage: twinmx" in done.stdout, done.stderr
