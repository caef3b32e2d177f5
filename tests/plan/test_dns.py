"""`twinmx dns plan`: DNS alone, with the failover agents asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plan.planning import INVENTORY, Planner, Ran

ZONE = """\
'':
  - ttl: 300
    type: TXT
    values:
      - proof-of-ownership=42
      - v=spf1 -all
www:
  ttl: 300
  type: A
  values:
    - 203.0.113.80
"""

FORMER = """\
'':
  ttl: 3600
  type: MX
  value:
    exchange: mail.former.example.
    preference: 10
"""


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    planner = Planner.in_folder(tmp_path_factory.mktemp("dns"))
    planner.keep_zones(alias=ZONE, masked=FORMER)
    return planner


AT_WORK: dict[str, Any] = {
    name: {"state": "active", "cause": "", "demoted": [], "order": None} for name in ("mx1", "mx2")
}


def plan(planner: Planner, *options: str, **said: Any) -> tuple[Ran, dict[str, Any]]:
    ran = planner.twinmx("dns", "plan", INVENTORY, "--json", *options, **{"agents": AT_WORK} | said)
    return ran, json.loads(ran.output)


def mx_changes(found: dict[str, Any]) -> list[str]:
    return [one["action"] for one in found["dns"]["changes"] if one["type"] == "MX"]


def test_dns_alone_is_planned_and_what_others_keep_in_a_set_is_told(planner: Planner) -> None:
    ran, found = plan(planner)

    assert ran.status == 2, ran.told
    assert found["hosts"] == {}
    changes = {(change["name"], change["type"]): change for change in found["dns"]["changes"]}
    assert changes["alias.example.", "MX"]["action"] == "create"
    assert '"proof-of-ownership=42"' in changes["alias.example.", "TXT"]["after"]["values"]
    assert '"v=spf1 -all"' not in changes["alias.example.", "TXT"]["after"]["values"]
    assert not [name for name, _ in changes if name.startswith("www")]
    assert {
        "kind": "kept",
        "what": 'alias.example. TXT "proof-of-ownership=42"',
        "why": "it is not ours",
        "end": "",
    } in found["dns"]["kept"]


def test_a_failover_keeps_mx_as_it_is(planner: Planner) -> None:
    demoted = {"state": "drained", "cause": "canary", "demoted": ["mx1"], "order": None}

    _, found = plan(planner, agents={"mx1": demoted})

    (mx,) = [
        one for one in found["dns"]["changes"] if one["name"] == "alias.example." and one["type"] == "MX"
    ]
    assert set(mx["after"]["values"]) == {"10 mx2.alias.example.", "20 mx1.alias.example."}


def test_mx_is_left_out_while_an_agent_cannot_be_asked(planner: Planner) -> None:
    _, found = plan(planner, unreachable=["mx2"])

    assert mx_changes(found) == []
    assert "MX: left as it is" in {kept["what"] for kept in found["dns"]["kept"]}


NOBODY = (
    "no exchanger takes mail (mx1.alias.example: Connection refused; mx2.alias.example: Connection refused)"
)
NEVER = (
    "no exchanger takes mail (mx1.alias.example has never been converged; mx2.alias.example has never been "
    "converged)"
)


@pytest.mark.parametrize(
    ("said", "why"),
    [({"closed": ["mx1", "mx2"]}, NOBODY), ({"agents": {}}, NEVER)],
    ids=["none greets", "never converged"],
)
def test_mx_is_neither_made_nor_changed_while_no_exchanger_takes_mail(
    planner: Planner, said: dict[str, Any], why: str
) -> None:
    ran, found = plan(planner, **said)

    assert ran.status == 2, "the other records are made"
    assert mx_changes(found) == []
    assert {
        "kind": "kept",
        "what": "MX: left as it is",
        "why": why,
        "end": "twinmx converge; to write it all the same: --data mx_unanswered=write",
    } in found["dns"]["kept"]


def test_mx_is_made_where_one_of_them_takes_mail_or_the_operator_says_so(planner: Planner) -> None:
    _, one = plan(planner, closed=["mx2"])
    _, said = plan(planner, "--data", "mx_unanswered=write", closed=["mx1", "mx2"])

    assert mx_changes(one) == ["create", "change"]
    assert mx_changes(said) == ["create", "change"]


def test_a_plan_of_a_first_converge_has_mx_since_exchangers_come_first(planner: Planner) -> None:
    _, found = planner.plan(closed=["mx1", "mx2"])

    assert mx_changes(found) == ["create", "change"]


def applied(folder: Path, **said: Any) -> tuple[Ran, str]:
    """`twinmx dns apply` on an empty zone; what the zone is then."""
    planner = Planner.in_folder(folder)
    planner.keep_zones()
    ran = planner.twinmx("dns", "apply", INVENTORY, **{"agents": AT_WORK} | said)
    assert ran.status == 0, ran.told
    return ran, (folder / "zones" / "alias.example.yaml").read_text()


def test_apply_makes_mx_or_says_why_not(tmp_path_factory: pytest.TempPathFactory) -> None:
    folders = [tmp_path_factory.mktemp(name) for name in ("closed", "open")]

    closed, without = applied(folders[0], closed=["mx1", "mx2"])
    _, with_mx = applied(folders[1])

    assert "type: MX" not in without
    assert "v=spf1" in without
    assert NOBODY in closed.told
    assert "--data mx_unanswered=write" in closed.told
    assert "type: MX" in with_mx
