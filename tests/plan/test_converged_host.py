"""What a converge would do with hosts that are as they shall be, or nearly so."""

from copy import deepcopy
from typing import Any

import pytest

from tests.plan.planning import Planner, Ran

States = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    return Planner.in_folder(tmp_path_factory.mktemp("converged"))


@pytest.fixture(scope="module")
def wanted(planner: Planner) -> States:
    """Both hosts as a plan wants them to be."""
    return planner.converged()


@pytest.fixture
def converged(wanted: States) -> States:
    """`wanted`, for a test to spoil."""
    return deepcopy(wanted)


def changes(planner: Planner, states: States) -> dict[str, list[str]]:
    """Operation → hosts that it would change."""
    ran = planner.run("--dry", "--json", "--limit", "exchangers", states=states)
    assert ran.status == 0, ran.told
    return {
        operation["name"]: operation["hosts_with_change"]
        for operation in ran.planned
        if operation["hosts_with_change"] or operation["hosts_with_conditional_change"]
    }


def test_nothing_is_planned_for_hosts_that_are_as_they_shall_be(planner: Planner, converged: States) -> None:
    assert changes(planner, converged) == {}


def test_each_difference_plans_what_mends_it_on_that_host_alone(planner: Planner, converged: States) -> None:
    host = converged["mx2"]
    del host["packages"]["nftables"]
    host["files"]["/etc/postfix/header_checks.pcre"]["sha256"] = "0"
    host["files"]["/etc/systemd/system/rspamd.service.d/twinmx.conf"] = None
    host["units"]["spamd.service"]["ActiveState"] = "failed"
    host["units"]["valkey-server.service"]["NeedDaemonReload"] = "yes"
    host["units"]["forwarder.target"]["UnitFileState"] = "disabled"
    del host["stamps"]["aliases"]

    assert changes(planner, converged) == {
        operation: ["@fake/mx2"]
        for operation in (
            "firewall | firewall: packages",
            "firewall | nftables: converged",
            "valkey | valkey-server: converged",
            "rspamd | rspamd: files",
            "rspamd | rspamd: converged",
            "spamassassin | spamd: converged",
            "aliases | aliases: converged",
            "forwarder | forwarder: converged",
            "postfix | postfix: files",
            "postfix | postfix: converged",
        )
    }


def test_a_key_that_others_may_read_is_put_right_and_taken_up(planner: Planner, converged: States) -> None:
    converged["mx1"]["files"]["/etc/twinmx/tls/key.pem"]["mode"] = "0644"

    assert changes(planner, converged) == {
        "tls | tls: files": ["@fake/mx1"],
        "postfix | postfix: converged": ["@fake/mx1"],
    }


def test_postfix_older_than_needed_is_upgraded(planner: Planner, converged: States) -> None:
    converged["mx1"]["packages"]["postfix"] = "3.10.9-1"

    planned = changes(planner, converged)

    assert "postfix | postfix: packages" in planned
    assert planned["postfix | postfix: converged"] == ["@fake/mx1"], "it runs the new program"


DRAINED = {"state": "drained", "cause": "canary", "demoted": ["mx1"], "order": None}
ORDERED = {"state": "drained", "cause": "ordered by ada", "demoted": ["mx2"], "order": {"by": "ada"}}


def test_a_failover_is_ended_by_its_flag_alone(planner: Planner, converged: States) -> None:
    agents = {"mx1": DRAINED, "mx2": ORDERED}

    def plan(*options: str) -> Ran:
        ran = planner.run(
            "--dry", "--json", "--limit", "exchangers", *options, states=converged, agents=agents
        )
        assert ran.status == 0, ran.told
        return ran

    plain, ending = plan(), plan("--data", "failover=end")

    assert [step["name"] for step in plain.planned if step["hosts_with_change"]] == []
    assert {
        step["name"]: step["hosts_with_change"] for step in ending.planned if step["hosts_with_change"]
    } == {"failover | failover: ended": ["@fake/mx1"]}
    assert "mx1: its agent ends the drain of mx1 (canary)" in ending.told
    assert "mx2: it stays drained, by an order; to end it: mxctl undrain" in ending.told
    assert "its agent ends" not in plain.told


def test_where_nothing_is_under_way_there_is_nothing_to_end(planner: Planner, converged: States) -> None:
    agents: States = {"mx1": {"state": "active", "cause": "", "demoted": [], "order": None}}

    ran = planner.run(
        *("--dry", "--json", "--limit", "exchangers", "--data", "failover=end"),
        states=converged,
        agents=agents,
    )

    assert [step for step in ran.planned if step["hosts_with_change"]] == []
