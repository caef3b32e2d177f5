"""The records that a served domain needs, for several exchanges."""

import json
from typing import cast

import pytest
from octodns.zone import Zone
from octodns_bind import Rfc2136Provider

from inventory.schema import Exchange
from roles.dns import OnlyOurs, _standing, desired_zone, mail_records, mx_preferences, plan, provider
from roles.lib.agents import Standing
from tests.unit.roles.exchanges import IPV6, MX1, MX2, MX3, exchange, secrets


def priorities(of: Exchange) -> dict[str, int]:
    values = mail_records(of, "alias.example")["", "MX"]["values"]
    return {value["exchange"]: value["preference"] for value in values}


def test_every_exchanger_is_an_mx_with_its_priority() -> None:
    assert priorities(exchange(MX1, MX2, MX3)) == {
        "mx1.alias.example.": 10,
        "mx2.alias.example.": 20,
        "mx3.elsewhere.example.": 5,
    }


def test_primary_swaps_the_priorities_and_nothing_else() -> None:
    usual = mail_records(exchange(), "alias.example")
    swapped = mail_records(exchange(flags={"primary": "mx2"}), "alias.example")

    assert priorities(exchange(flags={"primary": "mx2"})) == {
        "mx1.alias.example.": 20,
        "mx2.alias.example.": 10,
    }
    assert {key for key in usual if usual[key] != swapped[key]} == {("", "MX")}
    assert usual.keys() == swapped.keys()


@pytest.mark.parametrize(
    ("demoted", "preferences"),
    [
        ((), {"mx3": 5, "mx1": 10, "mx2": 20}),
        (("mx3",), {"mx1": 5, "mx2": 10, "mx3": 20}),
        (("mx1", "mx3"), {"mx2": 5, "mx3": 10, "mx1": 20}),
    ],
)
def test_who_is_demoted_stands_behind_the_others_and_all_stay_listed(
    demoted: tuple[str, ...], preferences: dict[str, int]
) -> None:
    assert mx_preferences(exchange(MX1, MX2, MX3), demoted) == preferences


class Zones:
    """A name server that only keeps what it is asked to compare."""

    def __init__(self) -> None:
        self.compared: list[set[tuple[str, str]]] = []

    def plan(self, desired: Zone, processors: list[OnlyOurs]) -> None:
        (ours,) = processors
        self.compared.append({(record.name, record._type) for record in desired.records})
        assert ours.owned == self.compared[-1]


def test_the_mx_set_is_left_alone_while_an_agent_cannot_be_asked() -> None:
    zones = Zones()

    for standing in Standing(), Standing(silent=["mx2"]):
        plan(exchange(), "alias.example", cast(Rfc2136Provider, zones), standing)

    usual, careful = zones.compared
    assert usual - careful == {("", "MX")}


def test_what_agents_say_is_put_together() -> None:
    found = Standing()
    found.take("mx1", '{"demoted": ["mx1"], "cause": "forwarders"}')
    found.take("mx2", "{}")
    found.take("mx3", "curl: (7) refused")

    assert found == Standing({"mx1": "mx1: forwarders"}, ["mx3"])


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
    monkeypatch.setattr("roles.dns._asked", lambda _names: found)

    with caplog.at_level("INFO"):
        assert _standing(exchange()).demoted.keys() == {"mx1"}
        assert "mx1 stays behind the others" in caplog.text
        assert "to end it: --data failover=end" in caplog.text
        caplog.clear()
        assert _standing(exchange(flags={"failover": "end"})).demoted == {}
    assert caplog.text == ""


def test_a_drained_host_stays_in_the_records() -> None:
    """It is back within minutes; senders who find port 25 closed go on to the next by themselves."""
    assert mail_records(exchange(flags={"drain": "mx2"}), "alias.example") == mail_records(
        exchange(), "alias.example"
    )


def test_addresses_stand_in_the_zone_that_holds_the_hosts_name() -> None:
    of = exchange(MX1 | IPV6, MX2, MX3)
    own, other = mail_records(of, "alias.example"), mail_records(of, "masked.example")

    assert own["mx1", "A"]["values"] == ["198.51.100.11"]
    assert own["mx1", "AAAA"]["values"] == ["2001:db8:1::11"]
    assert ("mx2", "AAAA") not in own
    assert ("mx3", "A") not in own
    assert {kind for _, kind in other} == {"MX", "TXT"}


def test_spf_names_every_address_mail_leaves_from() -> None:
    spf = mail_records(exchange(MX1 | IPV6, MX2), "masked.example")["", "TXT"]["values"]

    assert spf == ["v=spf1 ip4:198.51.100.11 ip4:198.51.100.12 ip6:2001:db8:1::11 -all"]


def test_the_dmarc_policy_is_the_inventorys() -> None:
    dns = {"server": "198.51.100.10", "dmarc": "quarantine", "ttl": 60}
    dmarc = mail_records(exchange(dns=dns), "alias.example")["_dmarc", "TXT"]

    assert dmarc == {"values": ["v=DMARC1\\; p=quarantine"], "ttl": 60}


@pytest.mark.parametrize("domain", ["alias.example", "masked.example"])
def test_octodns_accepts_every_record(domain: str) -> None:
    of = exchange(MX1 | IPV6, MX2, MX3)

    found = {(record.name, record._type) for record in desired_zone(of, domain).records}

    assert found == set(mail_records(of, domain))


def test_updates_need_the_key() -> None:
    keyless = secrets().model_copy(update={"tsig": None})

    with pytest.raises(ValueError, match=r"secrets\.yml: tsig: missing"):
        provider(exchange(), keyless)
