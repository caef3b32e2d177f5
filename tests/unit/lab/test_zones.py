from pathlib import Path

import dns.zone
import pytest
from dns.rdatatype import MX, NS, PTR, SOA, TXT

from lab import dnssec, pki
from lab.outside.zones import fixed_zone_names, fixed_zones, policy_texts, reverse_name, served_zones
from lab.settings import HOSTS, OUTSIDE, RECEIVERS, SECURE_ZONES, SINK_DOMAINS
from roles.lib.records.keys import spki_of
from roles.lib.records.tlsa import tlsa_value


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The certificate of the outside host."""
    directory = tmp_path_factory.mktemp("tls")
    pki.ensure([OUTSIDE.fqdn], directory)
    return (directory / f"{OUTSIDE.fqdn}.pem").read_bytes()


@pytest.mark.parametrize("name", [*fixed_zone_names(), *served_zones()])
def test_every_zone_is_complete(name: str, shown: bytes) -> None:
    text = (fixed_zones(shown) | served_zones())[name]

    zone = dns.zone.from_text(text, origin=name, relativize=False)

    assert zone.find_rdataset(f"{name}.", SOA)
    assert str(zone.find_rdataset(f"{name}.", NS)[0].target) == f"{OUTSIDE.fqdn}."


@pytest.mark.parametrize("name", SINK_DOMAINS)
def test_mail_for_the_mailbox_domains_goes_outside(name: str, shown: bytes) -> None:
    zone = dns.zone.from_text(fixed_zones(shown)[name], origin=name, relativize=False)

    assert str(zone.find_rdataset(f"{name}.", MX)[0].exchange) == f"{OUTSIDE.fqdn}."


def test_a_served_zone_is_left_to_its_owner() -> None:
    for name, text in served_zones().items():
        zone = dns.zone.from_text(text, origin=name)
        assert {rdataset.rdtype for _, rdataset in zone.iterate_rdatasets()} == {SOA, NS}


def test_every_host_has_a_reverse_name(shown: bytes) -> None:
    zone = dns.zone.from_text(fixed_zones(shown)[reverse_name()], origin=reverse_name())

    for host in HOSTS:
        label = str(host.address).rsplit(".", 1)[1]
        assert str(zone.find_rdataset(label, PTR)[0].target) == f"{host.fqdn}."


def test_a_receiver_is_told_how_tls_with_it_goes(shown: bytes) -> None:
    for receiver in RECEIVERS:
        zone = dns.zone.from_text(fixed_zones(shown)[receiver.domain], origin=receiver.domain)
        assert "v=TLSRPTv1; rua=mailto:" in zone.find_rdataset("_smtp._tls", TXT)[0].to_text()


def test_a_receiver_announces_the_key_that_its_host_shows_or_one_that_nobody_has(shown: bytes) -> None:
    key = tlsa_value(spki_of(shown))

    for receiver in RECEIVERS:
        text = fixed_zones(shown)[receiver.domain]
        assert (" TLSA " in text) == (receiver.dane is not None)
        assert (key in text) == (receiver.dane == "right")


def test_a_policy_that_is_wrong_names_a_host_without_a_certificate() -> None:
    named = {domain: f"mx: {OUTSIDE.fqdn}\r\n" in text for domain, text in policy_texts().items()}

    assert named["sts.example"]
    assert not named["wrong-sts.example"]


def test_an_exchanger_can_validate_each_signed_zone_from_the_key_that_signs_it(tmp_path: Path) -> None:
    dnssec.ensure(tmp_path)

    anchors = (tmp_path / "anchors").read_text().splitlines()
    assert [line.split(".")[0] for line in anchors] == [zone.split(".")[0] for zone in SECURE_ZONES]
    assert len({line.partition(" IN ")[2] for line in anchors}) == 1
    assert dnssec.anchors(tmp_path).splitlines() == anchors, "the key is drawn once"
