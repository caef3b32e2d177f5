"""The served domains, as a resolver on the Internet sees them."""

import dns.message
import dns.query
import dns.rdatatype
import dns.resolver
import dns.tsigkeyring
import dns.update
import pytest

from inventory.schema import Exchange, Exchanger
from inventory.secrets import Secrets
from lab.settings import DNS_PORT, OUTSIDE
from tests.hosts.converging import CONTROLLER, Pair

pytestmark = pytest.mark.role("dns")


def resolved(name: str, kind: str) -> set[str]:
    """The values of a record set, asked of the lab's resolver."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [str(OUTSIDE.address)], DNS_PORT
    return {value.to_text() for value in resolver.resolve(name, kind)}


def test_every_exchanger_is_an_mx_with_its_priority(exchange: Exchange) -> None:
    wanted = {f"{host.mx_priority} {host.fqdn}." for host in exchange.exchangers.values()}

    for domain in exchange.domains:
        assert resolved(domain, "MX") == wanted


def test_an_exchangers_name_leads_to_it(exchanger: Exchanger) -> None:
    assert resolved(exchanger.fqdn, "A") == {str(exchanger.address)}


def test_spf_lets_the_exchangers_send_and_nobody_else(exchange: Exchange) -> None:
    sources = " ".join(f"ip4:{host.address}" for host in exchange.exchangers.values())

    for domain in exchange.domains:
        assert f'"v=spf1 {sources} -all"' in resolved(domain, "TXT")


def test_dmarc_is_the_inventorys(exchange: Exchange) -> None:
    for domain in exchange.domains:
        assert resolved(f"_dmarc.{domain}", "TXT") == {f'"v=DMARC1; p={exchange.dns.dmarc}"'}


def update(exchange: Exchange, secrets: Secrets, add: bool, *records: tuple[str, str, str]) -> None:
    """Add or delete single records (name, type, value) of the first served domain, by RFC 2136."""
    assert secrets.tsig
    key = dns.tsigkeyring.from_text({secrets.tsig.name: secrets.tsig.secret.get_secret_value()})
    change = dns.update.Update(exchange.domains[0], keyring=key, keyalgorithm=secrets.tsig.algorithm)
    for name, kind, value in records:
        if add:
            change.add(name, exchange.dns.ttl, kind, value)
        else:
            change.delete(name, kind, value)
    answer = dns.query.tcp(change, str(exchange.dns.server), port=exchange.dns.port, timeout=5)
    assert answer.rcode() == 0, answer


@pytest.mark.changes
def test_what_others_keep_in_the_zone_is_left_alone(exchange: Exchange, secrets: Secrets, pair: Pair) -> None:
    """Even where a record of ours has to be changed: a proof of ownership shares its record set with SPF."""
    domain = exchange.domains[0]
    foreign = [("www", "A", "203.0.113.80"), ("@", "TXT", '"proof-of-ownership=42"')]
    (spf,) = [text for text in resolved(domain, "TXT") if "v=spf1" in text]
    update(exchange, secrets, True, *foreign)
    try:
        update(exchange, secrets, False, ("@", "TXT", spf))

        assert pair.converge(CONTROLLER) == {f"dns | {domain}: zone"}

        assert resolved(f"www.{domain}", "A") == {"203.0.113.80"}
        assert resolved(domain, "TXT") == {spf, '"proof-of-ownership=42"'}
        assert pair.converge(CONTROLLER) == set()
    finally:
        update(exchange, secrets, False, *foreign)


def test_updates_without_the_key_are_refused(exchange: Exchange) -> None:
    change = dns.update.Update(exchange.domains[0])
    change.add("intruder", 60, "A", "203.0.113.66")

    answer = dns.query.tcp(change, str(exchange.dns.server), port=exchange.dns.port, timeout=5)

    assert answer.rcode() in (dns.rcode.REFUSED, dns.rcode.NOTAUTH)
