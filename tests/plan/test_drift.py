"""`twinmx drift` on hosts that answer as a plan wants them to be, and on one that somebody has changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plan.planning import INVENTORY, Planner
from twinmx.drift.finding import Finding, Report

ACTIONS = "/etc/rspamd/local.d/actions.conf"
CHANGED = Finding(kind="file", name=ACTIONS, problem="its content differs")
CRON = Finding(kind="cron", name="/etc/cron.d/evil", problem="neither a role nor a package has put it there")


def answering(folder: Path, monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> None:
    """Every host says this of itself, over what stands for ssh."""
    report = Report(findings=list(findings), allowed=[], errors={})
    script = folder / "ssh"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{report.model_dump_json()}\nEND\nexit {report.status}\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def drift(planner: Planner, *options: str, **said: Any) -> tuple[int, dict[str, Any]]:
    ran = planner.twinmx("drift", INVENTORY, "--json", *options, **said)
    assert ran.output, ran.told
    return ran.status, json.loads(ran.output)


@pytest.fixture
def planner(planner: Planner) -> Planner:
    """An exchange whose zones are as they shall be."""
    planner.keep_zones()
    return planner


def test_hosts_and_inventory_are_compared_in_one_command(
    planner: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = planner.converged()
    answering(tmp_path, monkeypatch)
    status, document = drift(planner, states=states)

    assert status == 2
    assert [place["summary"] for place in document["hosts"].values()] == ["nothing", "nothing"]
    missing = {one["name"] for one in document["dns"]["differences"]}
    assert "alias.example. MX" in missing, "the zones are empty"

    states["mx2"]["files"][ACTIONS]["sha256"] = "0"
    answering(tmp_path, monkeypatch, CHANGED, CRON)
    _, document = drift(planner, states=states)
    told = [f"{one['kind']}:{one['name']}" for one in document["hosts"]["mx2"]["differences"]]
    assert told == [f"file:{ACTIONS}", "cron:/etc/cron.d/evil"], (
        "once, and the restart that follows is not told"
    )


def test_a_knob_that_was_changed_and_not_converged_is_named_with_the_manifest(
    planner: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = planner.converged()
    answering(tmp_path, monkeypatch)

    status, document = drift(planner, "--data", "workers=4", states=states)

    assert status == 2
    names = {one["name"] for one in document["hosts"]["mx1"]["differences"] if one["kind"] == "inventory"}
    assert {"/etc/systemd/system/forwarder.target", "/var/lib/twinmx/manifest.json"} <= names
    assert "drift" not in names, "what follows from the manifest is not told"
