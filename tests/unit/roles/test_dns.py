"""The records that a served domain needs, for several exchanges."""

import pytest

from inventory.schema import Exchange
from roles.dns import desired_zone, mail_records, provider
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
