"""`twinmx drift`: what the hosts say of themselves, and what the plan adds, each thing once."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from controller import pyinfra
from controller.cli import app
from controller.drift import asking, command
from controller.drift.document import Drift, drift_of
from controller.errors import ControllerError
from controller.plan.document import Place as Planned
from controller.plan.document import Plan, summary_of
from controller.remote import Remote
from roles.lib.changes import (
    Change,
    FileChange,
    PackageChange,
    RecordChange,
    RecordSet,
    ReleaseChange,
    ServiceChange,
    StepChange,
)
from twinmx.drift.finding import Finding, Report

ACTIONS = "/etc/rspamd/local.d/actions.conf"
BROKEN_OFF = "a converge was broken off, or has put a file back"
CLEAN = Report(findings=[], allowed=[], errors={})
CRON = Finding(kind="cron", name="/etc/cron.d/evil", problem="neither a role nor a package has put it there")


def planned(*changes: Change, errors: tuple[str, ...] = ()) -> Planned:
    return Planned(
        summary=summary_of(changes, errors),
        changes=list(changes),
        kept=[],
        by_hand=[],
        errors=list(errors),
    )


def plan(host: Planned | None = None, dns: Planned | None = None) -> Plan:
    return Plan(
        inventory="inventory/lab.py",
        flags={},
        result="nothing",
        errors=[],
        hosts={"mx1": host or planned()},
        dns=dns or planned(),
    )


def restart(name: str, reason: str) -> ServiceChange:
    return ServiceChange(name=name, action="restart", units=(f"{name}.service",), reasons=(reason,))


def lines(drift: Drift, place: str = "mx1") -> list[str]:
    return [one.line for one in drift.places[place].differences]


def found(*findings: Finding) -> Report:
    return Report(findings=list(findings), allowed=[], errors={})


def test_nothing_differs() -> None:
    drift = drift_of(plan(), {"mx1": CLEAN})

    assert (drift.result, drift.status) == ("nothing", 0)
    assert [place.summary for place in drift.places.values()] == ["nothing", "nothing"]


def test_what_host_and_plan_both_see_is_told_once_and_so_is_what_follows_from_it() -> None:
    changed = Finding(kind="file", name=ACTIONS, problem="its content differs")
    stopped = Finding(kind="unit", name="spamd.service", problem="it is inactive")
    missing = Finding(kind="package", name="curl", problem="it is not installed")
    host = planned(
        PackageChange(name="curl", action="install"),
        FileChange(path=ACTIONS, action="change"),
        restart("rspamd", ACTIONS),
        restart("spamd", BROKEN_OFF),
        restart("alertmanager", "package curl"),
    )

    drift = drift_of(plan(host), {"mx1": found(changed, stopped, missing, CRON)})

    assert drift.status == 2
    assert lines(drift) == [
        f"file:{ACTIONS}: its content differs",
        "unit:spamd.service: it is inactive",
        "package:curl: it is not installed",
        "cron:/etc/cron.d/evil: neither a role nor a package has put it there",
    ]
    assert drift.hosts["mx1"].summary == "1 file, 1 unit, 1 package, 1 cron"


def test_what_of_the_inventory_is_not_there_yet() -> None:
    manifest = "/var/lib/twinmx/manifest.json"
    host = planned(
        ReleaseChange(path="/opt/twinmx/current", version="b", previous="a"),
        FileChange(path=ACTIONS, action="change"),
        restart("rspamd", ACTIONS),
        restart("queues", "release b"),
        restart("valkey-server", BROKEN_OFF),
        StepChange(text="its agent ends the drain"),
        FileChange(path=manifest, action="change"),
    )

    assert lines(drift_of(plan(host), {"mx1": CLEAN})) == [
        "inventory:/opt/twinmx/current: a converge would go from a to b",
        f"inventory:{ACTIONS}: a converge would change it",
        f"inventory:valkey-server: a converge would restart it: {BROKEN_OFF}",
        "inventory:step: a converge would do this: its agent ends the drain",
        f"inventory:{manifest}: another inventory or checkout was converged last, or somebody changed it",
    ]


def test_what_is_allowed_is_no_drift_in_the_plan_either() -> None:
    changed = Finding(kind="file", name=ACTIONS, problem="its content differs")
    report = Report(findings=[], allowed=[changed], errors={})

    drift = drift_of(plan(planned(FileChange(path=ACTIONS, action="change"))), {"mx1": report})

    assert (drift.status, lines(drift)) == (0, [])
    assert [one.name for one in drift.hosts["mx1"].allowed] == [ACTIONS]


def test_records_that_differ() -> None:
    before, after = RecordSet(ttl=300, values=("10 evil.example.",)), RecordSet(ttl=30, values=("10 mx1.",))
    record = RecordChange(
        zone="alias.example", name="alias.example.", type="MX", action="change", before=before, after=after
    )

    drift = drift_of(plan(dns=planned(record)), {"mx1": CLEAN})

    assert drift.status == 2
    assert lines(drift, "DNS") == ["record:alias.example. MX: it differs; - 10 evil.example.; + 10 mx1."]


@pytest.mark.parametrize(
    ("host", "report", "error"),
    [
        (planned(), "it was not reached", "it was not reached"),
        (planned(errors=("could not be asked",)), CLEAN, "could not be asked"),
        (
            planned(),
            Report(findings=[], allowed=[], errors={"firewall": "no nft"}),
            "firewall could not be looked at: no nft",
        ),
    ],
)
def test_what_cannot_be_asked_counts_more_than_drift(host: Planned, report: Report | str, error: str) -> None:
    record = RecordChange(
        zone="a.example",
        name="a.example.",
        type="A",
        action="create",
        before=None,
        after=RecordSet(ttl=1, values=("x",)),
    )

    drift = drift_of(plan(host, planned(record)), {"mx1": report})

    assert (drift.result, drift.status) == ("error", 1)
    assert drift.hosts["mx1"].summary == f"error: {error}"
    assert lines(drift, "DNS") == ["record:a.example. A: it is missing; + x"]


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The answer of every host, as a shell script."""
    script = tmp_path / "ssh"
    script.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n. {tmp_path}/answer\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "answer"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("echo no such file >&2; exit 127", "it has no program that compares it: converge it first"),
        ("echo timed out >&2; exit 255", "timed out"),
        ("echo manifest.json: broken >&2; exit 1", "manifest.json: broken"),
        ("exit 9", "its program that compares it ended with 9"),
    ],
)
def test_a_host_that_cannot_compare_itself_says_why(ssh: Path, answer: str, says: str) -> None:
    ssh.write_text(answer)

    assert asking.ask(Remote("mx1", {"ssh_hostname": "198.51.100.1"})) == says


def test_a_host_that_is_not_reached_by_ssh_says_so() -> None:
    assert "no ssh_hostname" in str(asking.ask(Remote("mx1", {})))


def test_every_host_is_asked_and_drift_is_an_answer(ssh: Path) -> None:
    ssh.write_text(f"echo '{found(CRON).model_dump_json()}'; exit 2")
    data: dict[str, dict[str, Any]] = {
        "mx1": {"exchanger": "mx1", "ssh_hostname": "198.51.100.1"},
        "db": {"database": True, "ssh_hostname": "198.51.100.3"},
        "@local": {},
    }

    said = asking.ask_all(asking.hosts_of(data))

    assert said == {"mx1": found(CRON), "database": found(CRON)}
    asked = (ssh.parent / "asked").read_text().splitlines()
    assert all(line.endswith("nice /opt/twinmx/current/bin/twinmx-drift --json") for line in asked)


def run(*options: str) -> Any:
    return CliRunner().invoke(app, ["drift", "inventory/lab.py", *options])


def test_the_command_prints_text_or_json_and_ends_with_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []

    def planned_with(_: str, flags: dict[str, str]) -> Plan:
        asked.append(flags)
        return plan()

    monkeypatch.setattr(pyinfra, "inventory_hosts", lambda *_: {})
    monkeypatch.setattr(command, "make", planned_with)
    monkeypatch.setattr(command, "ask_all", lambda _: {"mx1": found(CRON)})

    text, document = run(), run("--json", "--data", "primary=mx2")

    assert (text.exit_code, document.exit_code) == (2, 2)
    assert "  cron:/etc/cron.d/evil: neither a role nor a package has put it there" in text.stdout
    assert text.stdout.splitlines()[-2:] == ["mx1: 1 cron", "DNS: nothing"]
    assert asked == [{}, {"primary": "mx2"}]
    assert Drift.model_validate(json.loads(document.stdout)).hosts["mx1"].differences[0].kind == "cron"


def test_an_inventory_that_is_refused_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> dict[str, Any]:
        raise ControllerError("inventory/lab.py:3: no")

    monkeypatch.setattr(pyinfra, "inventory_hosts", refused)
    text, document = run(), run("--json")

    assert (text.exit_code, document.exit_code) == (1, 1)
    assert "inventory/lab.py:3: no" in text.output
    assert json.loads(document.stdout)["errors"] == ["inventory/lab.py:3: no"]
    assert run("--jsn").exit_code == 1
