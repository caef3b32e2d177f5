"""What the role makes of an inventory and of what the failover agents say."""

import json

import pytest

from inventory.schema import Exchange
from roles.dns import _standing, by_hand, in_force
from roles.lib.agents import Standing
from roles.lib.records.keys import Keys
from tests.unit.roles.exchanges import MX1, MX2, MX3, exchange


def preferences(of: Exchange, found: Standing) -> set[str]:
    """The MX that is in force for the first domain."""
    mx = [record for record in in_force(of, Keys(), found) if record.kind == "MX"]
    return {value for record in mx if record.name == of.domains[0] for value in record.values}


def test_the_mx_set_is_left_alone_while_an_agent_cannot_be_asked() -> None:
    usual, careful = (
        {(record.name, record.kind) for record in in_force(exchange(), Keys(), found)}
        for found in (Standing(), Standing(silent=["mx2"]))
    )

    assert usual - careful == {("alias.example", "MX"), ("masked.example", "MX")}


def test_who_is_demoted_stays_behind_the_others() -> None:
    found = Standing({"mx1": "mx1: forwarders"})

    assert preferences(exchange(), found) == {"10 mx2.alias.example.", "20 mx1.alias.example."}
    assert preferences(exchange(), found.ended()) == {"10 mx1.alias.example.", "20 mx2.alias.example."}


def test_what_agents_say_is_put_together() -> None:
    found = Standing()
    found.take("mx1", '{"demoted": ["mx1"], "cause": "forwarders"}')
    found.take("mx2", "{}")
    found.take("mx3", "curl: (7) refused")

    assert found == Standing({"mx1": "mx1: forwarders"}, ["mx3"], absent=["mx2"])
    assert found.ended().absent == ["mx2"]


DRAINED = json.dumps({"state": "drained", "cause": "canary", "demoted": ["mx1"], "order": None})
ORDERED = json.dumps(
    {"state": "draining", "cause": "ordered by ada", "demoted": ["mx1", "mx3"], "order": {"by": "ada"}}
)


@pytest.mark.parametrize(
    ("said", "by_itself", "left"),
    [
        (DRAINED, ["the drain of mx1 (canary)"], set()),
        (ORDERED, ["the demotion of mx3"], {"mx1"}),
        (json.dumps({"state": "active", "cause": "", "demoted": ["mx3"]}), ["the demotion of mx3"], set()),
        (json.dumps({"state": "active", "cause": "", "demoted": []}), None, set()),
    ],
    ids=["drained", "ordered to", "peer demoted", "at rest"],
)
def test_what_agents_did_by_themselves_can_be_ended_and_what_was_ordered_stays(
    said: str, by_itself: list[str] | None, left: set[str]
) -> None:
    found = Standing(silent=["mx2"])
    found.take("mx1", said)

    assert found.by_itself.get("mx1") == by_itself
    assert found.ended().demoted.keys() == left
    assert found.ended().silent == []


def test_a_converge_leaves_a_failover_alone_and_says_how_to_end_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = Standing()
    found.take("mx1", DRAINED)
    monkeypatch.setattr("roles.dns._asked", lambda *_: found)

    with caplog.at_level("INFO"):
        assert _standing(exchange()).demoted.keys() == {"mx1"}
        assert "mx1 stays behind the others" in caplog.text
        assert "to end it: --data failover=end" in caplog.text
        caplog.clear()
        assert _standing(exchange(flags={"failover": "end"})).demoted == {}
    assert caplog.text == ""


def test_without_a_server_every_record_is_to_be_set_by_hand() -> None:
    names = {(record.name, record.type) for record in by_hand(exchange(dns={}), Keys())}

    assert {("alias.example.", "MX"), ("mx1.alias.example.", "A"), ("_dmarc.masked.example.", "TXT")} < names


def test_with_a_server_what_lies_in_no_zone_of_ours_is_left_to_the_operator() -> None:
    of = exchange(MX1, MX2, MX3, dns={"server": "198.51.100.10", "dmarc": {"reports": ["d@reports.example"]}})

    found = {(record.name, record.type, record.value) for record in by_hand(of, Keys())}

    assert found == {
        ("mx3.elsewhere.example.", "A", "198.51.100.13"),
        ("mx3.elsewhere.example.", "TXT", '"v=spf1 a -all"'),
    }
