"""`twinmx plan`: what an operator reads before a converge, as text and as JSON, and the exit status."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from controller.plan.schema import FILE
from tests.plan.planning import INVENTORY, Planner, Ran
from tests.plan.planning import bare as nothing_on_it
from tests.unit.inventory.files import spoil

Document = dict[str, Any]
States = dict[str, dict[str, Any]]

SECRETS = (
    "correct-horse-battery",
    "staple-of-many-words",
    "0123456789abcdefghijklmnopqrstuv",
    "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
    "PRIVATE KEY",
)
ZONE = """\
'':
  - ttl: 300
    type: MX
    values:
      - exchange: mx1.alias.example.
        preference: 10
      - exchange: mx2.alias.example.
        preference: 20
  - ttl: 300
    type: TXT
    values:
      - v=spf1 -all
www:
  ttl: 300
  type: A
  values:
    - 203.0.113.80
"""


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    """An exchange whose DNS is the operator's."""
    planner = Planner.in_folder(tmp_path_factory.mktemp("plan"))
    spoil(planner.files.facts, "  server: 198.51.100.10\n", "")
    return planner


@pytest.fixture(scope="module")
def wanted(planner: Planner) -> States:
    return planner.converged()


@pytest.fixture
def states(wanted: States) -> States:
    """A converged pair, for a test to spoil."""
    return deepcopy(wanted)


@pytest.fixture(scope="module")
def bare(planner: Planner) -> tuple[Ran, Document, Path]:
    """The plan of a bare pair, and what was run on the hosts for it."""
    commands = planner.folder / "commands"
    ran, plan = planner.plan(commands=str(commands))
    return ran, plan, commands


def valid(plan: Document) -> Document:
    """The plan, if it has the documented shape."""
    Draft202012Validator(json.loads(FILE.read_text())).validate(plan)
    return plan


def of(plan: Document, name: str, kind: str) -> list[Document]:
    return [change for change in plan["hosts"][name]["changes"] if change["kind"] == kind]


def test_a_bare_pair_gets_everything_and_the_exit_status_says_that_something_changes(
    bare: tuple[Ran, Document, Path],
) -> None:
    ran, plan, _ = bare

    assert ran.status == 2, ran.told
    assert valid(plan)["result"] == "changes"
    assert list(plan["hosts"]) == ["mx1", "mx2"]
    for name in plan["hosts"]:
        assert "postfix" in {change["name"] for change in of(plan, name, "package")}
        assert of(plan, name, "release")[0]["previous"] is None
        assert ("postfix", "start") in {
            (change["name"], change["action"]) for change in of(plan, name, "service")
        }
        names = [change["name"] for change in of(plan, name, "package")]
        assert len(names) == len(set(names)), "each package comes once, whoever needs it"
    assert "+myhostname = mx1.alias.example" in next(
        change["diff"] for change in of(plan, "mx1", "file") if change["path"] == "/etc/postfix/main.cf"
    )


def test_a_plan_only_asks(bare: tuple[Ran, Document, Path]) -> None:
    run = [json.loads(line) for line in bare[2].read_text().splitlines()]

    assert {name for name, _, _ in run} == {"@fake/mx1", "@fake/mx2"}
    for _, how, command in run:
        assert how == "run_shell_command"
        assert "python3 -c" in command or "http://agent/state" in command, command
        assert "apply_files" not in command


def test_no_secret_is_in_a_plan(bare: tuple[Ran, Document, Path]) -> None:
    ran, plan, _ = bare
    notes = {change["path"]: change["note"] for change in of(plan, "mx1", "file")}

    assert notes["/etc/twinmx/tls/key.pem"] == "a secret, not shown"
    assert not [secret for secret in SECRETS if secret in ran.output + ran.told]


def test_a_converged_pair_has_nothing_to_change(planner: Planner, states: States) -> None:
    ran, plan = planner.plan(states=states)

    assert ran.status == 0, ran.output
    assert valid(plan)["result"] == "nothing"
    assert [place["summary"] for place in (*plan["hosts"].values(), plan["dns"])] == ["nothing"] * 3
    assert "mx1.alias.example." in {record["name"] for record in plan["dns"]["by_hand"]}


def spoilt(states: States) -> dict[str, Any]:
    """mx2 with a secret in a file, a key that all may read, an old Postfix, no nftables and a dead spamd."""
    host = states["mx2"]
    host["files"]["/etc/rspamd/local.d/actions.conf"]["sha256"] = "0"
    host["files"]["/etc/twinmx/tls/key.pem"]["mode"] = "0644"
    host["units"]["spamd.service"]["ActiveState"] = "failed"
    host["packages"]["postfix"] = "3.10.9-1"
    del host["packages"]["nftables"]
    return {"states": states, "files": {"/etc/rspamd/local.d/actions.conf": f"reject = 99;\n# {SECRETS[0]}"}}


def test_each_difference_is_shown_with_what_it_leads_to(planner: Planner, states: States) -> None:
    ran, plan = planner.plan(**spoilt(states))

    assert ran.status == 2
    valid(plan)
    assert plan["hosts"]["mx1"]["summary"] == "nothing"
    actions, key = of(plan, "mx2", "file")[::-1]
    assert key["path"] == "/etc/twinmx/tls/key.pem"
    assert (key["attributes"], key["diff"], key["note"]) == (["mode 0644 → 0400"], [], "")
    assert actions["action"] == "change"
    assert "-reject = 99;" in actions["diff"]
    assert any(line.startswith("+") and "reject" in line for line in actions["diff"])
    assert "-# [a secret]" in actions["diff"]
    assert SECRETS[0] not in ran.output + ran.told
    packages = {change["name"]: change for change in of(plan, "mx2", "package")}
    assert packages["postfix"]["installed"] == "3.10.9-1"
    assert packages["nftables"]["action"] == "install"
    services = {change["name"]: change for change in of(plan, "mx2", "service")}
    assert services["rspamd"]["reasons"] == ["/etc/rspamd/local.d/actions.conf"]
    assert services["rspamd"]["action"] == "restart"
    assert services["spamd"]["reasons"] == ["spamd.service is failed"]
    assert services["spamd"]["action"] == "start"
    assert services["postfix"]["action"] == "reload"
    assert services["postfix"]["reasons"] == ["/etc/twinmx/tls/key.pem", "package postfix"]
    assert services["nftables"]["reasons"] == ["package nftables"]


def test_a_package_to_be_upgraded_takes_its_service_along(planner: Planner, states: States) -> None:
    host = states["mx1"]
    host["packages"]["postfix"] = "3.10.9-1"
    stale = planner.plan(states=states)[1]
    reasons = {change["name"]: change["reasons"] for change in of(stale, "mx1", "service")}

    assert reasons == {"postfix@out": ["package postfix"], "postfix": ["package postfix"]}


def test_a_changed_unit_file_restarts_what_else_would_reload(planner: Planner, states: States) -> None:
    """A sandbox holds from a start on."""
    states["mx1"]["files"]["/etc/systemd/system/postfix.service.d/twinmx.conf"] = None
    plan = planner.plan(states=states)[1]

    assert {change["name"]: change["action"] for change in of(plan, "mx1", "service")} == {
        "postfix": "restart"
    }


def test_the_text_says_the_same_and_ends_with_a_line_for_each(planner: Planner, states: States) -> None:
    said = spoilt(states)
    plan = planner.plan(**said)[1]
    ran = planner.twinmx("plan", INVENTORY, **said)

    assert ran.status == 2
    lines = ran.output.splitlines()
    assert lines[-3:-1] == ["mx1: nothing", f"mx2: {plan['hosts']['mx2']['summary']}"]
    assert plan["hosts"]["mx2"]["summary"] == "2 packages, 2 files, 1 start, 1 restart, 3 reloads"
    assert lines[-1].startswith("DNS: nothing; ")
    shown = [line.strip() for line in lines]
    assert "~ package postfix: 3.10.9-1 → 3.10.13 or newer" in shown
    assert "~ /etc/twinmx/tls/key.pem: mode 0644 → 0400" in shown
    assert "-reject = 99;" in shown
    assert "restart rspamd: /etc/rspamd/local.d/actions.conf" in shown
    assert "start spamd: spamd.service is failed" in shown


def test_a_converge_says_the_lines_of_its_plan(planner: Planner, states: States) -> None:
    said = spoilt(states)
    planned = planner.twinmx("plan", INVENTORY, **said).output.splitlines()
    headlines = {line.strip() for line in planned if line.startswith("  ") and line[2:3].strip()}
    done = planner.run("-y", "--limit", "@fake/mx2", states=said["states"])
    lines = (line.strip().partition("[@fake/mx2] ") for line in done.told.splitlines())
    told = {line.strip() for _, prefix, line in lines if prefix}

    hand = {line for line in headlines if line.startswith("to be set by you")}
    assert len(headlines - hand) == 9
    assert headlines - hand <= told, headlines - hand - told


DRAINED = {"state": "drained", "cause": "canary", "demoted": ["mx1"], "order": None}


def test_what_a_failover_keeps_as_it_is_is_not_touched_and_said(tmp_path: Path) -> None:
    planner = Planner.in_folder(tmp_path)
    planner.keep_zones(alias=ZONE)
    said = {"states": planner.converged(), "agents": {"mx1": DRAINED}}

    ran, plan = planner.plan("--data", "primary=mx1", **said)

    assert ran.status == 2, ran.told
    assert valid(plan)["flags"] == {"primary": "mx1"}
    (drain,) = plan["hosts"]["mx1"]["kept"]
    assert drain["what"] == "the drain of mx1 (canary) stays"
    assert drain["end"] == "--data failover=end"
    (mx,) = plan["dns"]["kept"]
    assert mx["what"] == "MX: mx1 stays behind the others"
    records = {(change["name"], change["type"]): change for change in plan["dns"]["changes"]}
    assert records["alias.example.", "MX"]["after"]["values"] == [
        "10 mx2.alias.example.",
        "20 mx1.alias.example.",
    ]
    spf = records["alias.example.", "TXT"]
    assert (spf["action"], spf["before"]["ttl"], len(spf["after"]["values"])) == ("change", 300, 1)
    assert records["mx1.alias.example.", "A"]["before"] is None
    assert ("www.alias.example.", "A") not in records
    assert plan["dns"]["summary"] == f"{len(records)} records"
    text = planner.twinmx("plan", INVENTORY, **said).output
    assert "not touched: MX: mx1 stays behind the others, a failover is under way (mx1: canary)" in text


def test_hosts_that_cannot_be_asked_are_named_and_the_others_are_planned(tmp_path: Path) -> None:
    planner = Planner.in_folder(tmp_path)
    planner.add_exchangers("mx3")
    planner.keep_zones()
    said = {"unreachable": ["mx1"], "dumb": ["mx2"], "states": {"mx3": nothing_on_it(free_megabytes="12")}}

    ran, plan = planner.plan(**said)
    text = planner.twinmx("plan", INVENTORY, **said)

    assert (ran.status, text.status) == (1, 1)
    assert valid(plan)["result"] == "error"
    silent, dumb, full = (plan["hosts"][name] for name in ("mx1", "mx2", "mx3"))
    assert "Unable to connect" in silent["errors"][0]
    assert silent["changes"] == []
    assert "could not load fact" in dumb["errors"][0]
    assert dumb["changes"] == []
    assert full["errors"] == [
        "mx3 cannot become an exchanger: /var has 12 MB free: the queues need 2000 MB; enlarge the disk or "
        "clean up."
    ]
    assert full["changes"] != [], "the others are planned all the same"
    assert "mx1: error: Could not connect" in text.output


def test_an_inventory_that_is_refused_is_an_error_with_its_sentence(planner: Planner) -> None:
    ran, plan = planner.plan("--data", "primry=mx2")
    text = planner.twinmx("plan", INVENTORY, "--data", "primry=mx2")

    assert (ran.status, text.status) == (1, 1)
    assert valid(plan)["hosts"] == {}
    assert "--data primry=mx2: no such flag. Did you mean primary?" in plan["errors"][0]
    assert "--data primry=mx2: no such flag. Did you mean primary?" in text.told
    assert text.output == ""


@pytest.mark.parametrize("words", [(), ("inventory/nope.py",), (INVENTORY, "--jsn")])
def test_what_was_asked_wrongly_is_no_change(planner: Planner, words: tuple[str, ...]) -> None:
    assert planner.twinmx("plan", *words).status == 1
