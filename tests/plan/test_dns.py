"""`twinmx dns plan`: DNS alone, with the failover agents asked."""

import json
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


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    planner = Planner.in_folder(tmp_path_factory.mktemp("dns"))
    planner.keep_zones(alias=ZONE)
    return planner


def plan(planner: Planner, **said: Any) -> tuple[Ran, dict[str, Any]]:
    ran = planner.twinmx("dns", "plan", INVENTORY, "--json", **said)
    return ran, json.loads(ran.output)


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

    assert not [one for one in found["dns"]["changes"] if one["type"] == "MX"]
    assert "MX: left as it is" in {kept["what"] for kept in found["dns"]["kept"]}
