"""Reports on TLS come and go with the inventory."""

from collections.abc import Mapping
from typing import Any

import yaml

from inventory.dkim import new_pair
from roles.tlsrpt import UNIT_FILES
from tests.plan.planning import Planner, bare
from tests.unit.inventory.files import spoil

ROLE = "tlsrpt | "
BOTH = {"@fake/mx1", "@fake/mx2"}


def changed(planner: Planner, states: Mapping[str, Any] | None = None) -> dict[str, set[str]]:
    """Of the role's operations, on which hosts each would change something."""
    ran = planner.run("--dry", "--json", "--limit", "exchangers", states=states)
    assert ran.status == 0, ran.told
    found = {operation["name"]: set(operation["hosts_with_change"]) for operation in ran.planned}
    return {name.removeprefix(ROLE): hosts for name, hosts in found.items() if name.startswith(ROLE)}


def test_asked_for_both_programs_run_on_each_exchanger(planner: Planner) -> None:
    with planner.files.secrets.open("a") as secrets:
        secrets.write(yaml.safe_dump({"dkim_keys": [new_pair("k1")]}))
    spoil(planner.files.facts, "{fqdn}.key\n", "{fqdn}.key\n  reports: {send: true}\n")

    assert changed(planner) == {
        "tlsrpt: packages": set(),  # roles above have them
        "tlsrpt: files": BOTH,
        "tlsrpt-collectd: converged": BOTH,
        "tlsrpt-reportd: converged": BOTH,
    }


def test_no_longer_asked_for_they_are_stopped_and_gone(planner: Planner) -> None:
    there = {path: {"kind": "file", "sha256": "0"} for path in UNIT_FILES.values()}
    states = {"mx1": bare() | {"files": there, "stamps": {"tlsrpt-collectd": "0"}}}

    assert changed(planner, states) == {"tlsrpt: files": {"@fake/mx1"}, "tlsrpt: ended": {"@fake/mx1"}}
