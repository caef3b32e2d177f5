import dns.zone
import pytest
from dns.rdatatype import MX, NS, PTR, SOA

from lab.outside.zones import fixed_zones, reverse_name, served_zones
from lab.settings import HOSTS, OUTSIDE, SINK_DOMAINS


@pytest.mark.parametrize("name", [*fixed_zones(), *served_zones()])
def test_every_zone_is_complete(name: str) -> None:
    text = (fixed_zones() | served_zones())[name]

    zone = dns.zone.from_text(text, origin=name, relativize=False)

    assert zone.find_rdataset(f"{name}.", SOA)
    assert str(zone.find_rdataset(f"{name}.", NS)[0].target) == f"{OUTSIDE.fqdn}."


@pytest.mark.parametrize("name", SINK_DOMAINS)
def test_mail_for_the_mailbox_domains_goes_outside(name: str) -> None:
    zone = dns.zone.from_text(fixed_zones()[name], origin=name, relativize=False)

    assert str(zone.find_rdataset(f"{name}.", MX)[0].exchange) == f"{OUTSIDE.fqdn}."


def test_a_served_zone_is_left_to_its_owner() -> None:
    for name, text in served_zones().items():
        zone = dns.zone.from_text(text, origin=name)
        assert {rdataset.rdtype for _, rdataset in zone.iterate_rdatasets()} == {SOA, NS}


def test_every_host_has_a_reverse_name() -> None:
    zone = dns.zone.from_text(fixed_zones()[reverse_name()], origin=reverse_name())

    for host in HOSTS:
        label = str(host.address).rsplit(".", 1)[1]
        assert str(zone.find_rdataset(label, PTR)[0].target) == f"{host.fqdn}."
