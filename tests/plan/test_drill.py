"""What a converge would do to begin a drill, to go on with it, to end it, and to replace it by another."""

from copy import deepcopy
from typing import Any

import pytest

from roles.drill import SCRIPT, UNIT, UNIT_FILE
from tests.plan.planning import Planner

States = dict[str, dict[str, Any]]

DRILLS = {"dead-engine": "first", "slow-disk": "first", "both-deaf": "all", "few-workers": ""}
FLAG = ("--data", "drill=dead-engine")
MX1 = ["@fake/mx1"]
BOTH = ["@fake/mx1", "@fake/mx2"]
FILES = (SCRIPT, UNIT_FILE)


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    return Planner.in_folder(tmp_path_factory.mktemp("drill"))


@pytest.fixture(scope="module")
def _plain(planner: Planner) -> States:
    return planner.converged()


@pytest.fixture
def plain(_plain: States) -> States:
    """A converged pair without a drill."""
    return deepcopy(_plain)


@pytest.fixture(scope="module")
def _drilled(planner: Planner) -> States:
    states = planner.converged(*FLAG, drills=DRILLS)
    states["mx1"]["units"][UNIT] = {"Id": UNIT, "ActiveState": "active"}
    return states


@pytest.fixture
def drilled(_drilled: States) -> States:
    """A converged pair with the drill dead-engine under way on mx1."""
    return deepcopy(_drilled)


def changes(planner: Planner, states: States, *options: str) -> dict[str, list[str]]:
    """Operation → hosts that it would change, in their order."""
    ran = planner.run(
        "--dry",
        "--json",
        "--limit",
        "exchangers",
        *options,
        states=states,
        drills=DRILLS,
        drill="dead-engine",
    )
    assert ran.status == 0, ran.told
    return {
        operation["name"]: sorted(operation["hosts_with_change"])
        for operation in ran.planned
        if operation["hosts_with_change"] or operation["hosts_with_conditional_change"]
    }


def of_the_drill(changed: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name.removeprefix("drill | "): hosts for name, hosts in changed.items() if "drill | " in name}


def told(planner: Planner, states: States, *options: str) -> dict[str, list[str]]:
    """Host → the steps that `twinmx plan` shows."""
    _, plan = planner.plan(*options, states=states, drills=DRILLS, drill="dead-engine")
    return {
        name: [change["text"] for change in host["changes"] if change["kind"] == "step"]
        for name, host in plan["hosts"].items()
    }


def test_a_drill_begins_last_and_where_it_belongs(planner: Planner, plain: States) -> None:
    changed = changes(planner, plain, *FLAG)

    assert changed["forwarder | forwarder: files"] == BOTH, "the drill's own inventory"
    assert of_the_drill(changed) == {"drill: files": MX1, "drill: begun": MX1}
    assert list(changed)[-1] == "drill | drill: begun"


def test_the_place_is_counted_without_the_flags_beside_it(planner: Planner, plain: States) -> None:
    changed = changes(planner, plain, *FLAG, "--data", "primary=mx2")

    assert changed["drill | drill: begun"] == MX1


def test_a_second_converge_with_the_flag_changes_nothing(planner: Planner, drilled: States) -> None:
    assert changes(planner, drilled, *FLAG) == {}


def test_one_without_it_ends_the_drill_before_anything_else(planner: Planner, drilled: States) -> None:
    changed = changes(planner, drilled)

    assert list(changed)[:2] == ["drill | drill: ended", "drill | drill: files"]
    assert of_the_drill(changed) == {"drill: ended": MX1, "drill: files": MX1}
    assert changed["forwarder | forwarder: files"] == BOTH


@pytest.mark.parametrize("value", ["slow-disk", "dead-engine/60s"])
def test_another_drill_takes_its_place(planner: Planner, drilled: States, value: str) -> None:
    changed = of_the_drill(changes(planner, drilled, "--data", f"drill={value}"))

    assert changed == {"drill: ended": MX1, "drill: files": MX1, "drill: begun": MX1}


@pytest.mark.parametrize("value", ["dead-engine/calm", "few-workers"])
def test_without_a_fault_the_inventory_alone_changes(planner: Planner, plain: States, value: str) -> None:
    changed = changes(planner, plain, "--data", f"drill={value}")

    assert changed["forwarder | forwarder: files"] == BOTH
    assert of_the_drill(changed) == {}


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_what_outlived_its_unit_is_ended_by_the_next_converge(
    planner: Planner, drilled: States, state: str
) -> None:
    drilled["mx1"]["units"][UNIT]["ActiveState"] = state

    assert of_the_drill(changes(planner, drilled)) == {"drill: ended": MX1, "drill: files": MX1}
    assert of_the_drill(changes(planner, drilled, *FLAG)) == {"drill: ended": MX1, "drill: begun": MX1}


def test_a_drill_whose_files_somebody_removed_is_ended(planner: Planner, drilled: States) -> None:
    drilled["mx1"]["files"] |= dict.fromkeys(FILES)

    assert of_the_drill(changes(planner, drilled)) == {"drill: ended": MX1}


def test_a_plan_says_what_begins_and_what_ends(planner: Planner, plain: States, drilled: States) -> None:
    assert told(planner, plain, *FLAG) == {
        "mx1": ["drill dead-engine begins; the host ends it after 3600 s"],
        "mx2": [],
    }
    assert told(planner, drilled) == {"mx1": ["drill dead-engine ends"], "mx2": []}
    assert told(planner, drilled, "--data", "drill=both-deaf/60s") == {
        "mx1": ["drill dead-engine ends", "drill both-deaf begins; the host ends it after 60 s"],
        "mx2": ["drill both-deaf begins; the host ends it after 60 s"],
    }


def test_a_drill_is_no_drift(planner: Planner, drilled: States) -> None:
    """Its files are in the manifest while it is under way, and are to be absent after it."""
    assert set(FILES) <= drilled["mx1"]["files"].keys()
    assert "drift | drift: files" not in changes(planner, drilled, *FLAG)
    assert changes(planner, drilled)["drift | drift: files"] == BOTH
