"""sshd's settings come and go with the inventory, and nothing is done to sshd otherwise."""

from collections.abc import Mapping
from typing import Any

from tests.plan.planning import Planner, bare
from tests.unit.inventory.files import spoil

OPERATIONS = ("ssh | ssh: files", "ssh | ssh: converged", "ssh | ssh: given back")


def changed(planner: Planner, states: Mapping[str, Any] | None = None) -> dict[str, set[str]]:
    """Of the role's operations, on which hosts each would change something."""
    ran = planner.run("--dry", "--json", "--limit", "exchangers", states=states)
    assert ran.status == 0, ran.told
    found = {operation["name"]: set(operation["hosts_with_change"]) for operation in ran.planned}
    return {name: found[name] for name in OPERATIONS if name in found}


def test_asked_for_they_are_put_in_place_and_sshd_reloads(planner: Planner) -> None:
    spoil(planner.files.facts, "access:", "access:\n  ssh: {}")
    both = {"@fake/mx1", "@fake/mx2"}

    assert changed(planner) == {"ssh | ssh: files": both, "ssh | ssh: converged": both}


def test_no_longer_asked_for_sshd_goes_on_without_them(planner: Planner) -> None:
    there = {"/etc/ssh/sshd_config.d/00-twinmx.conf": {"kind": "file", "sha256": "0"}}
    states = {"mx1": bare() | {"files": there, "stamps": {"ssh": "0"}}}

    assert changed(planner, states) == {
        "ssh | ssh: files": {"@fake/mx1"},
        "ssh | ssh: given back": {"@fake/mx1"},
    }
