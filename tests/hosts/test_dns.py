"""The served domains, as a resolver on the Internet sees them."""

import json
import smtplib
import ssl
import subprocess

import dns.message
import dns.query
import dns.rdatatype
import dns.resolver
import dns.tsigkeyring
import dns.update
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from controller import pyinfra
from inventory.schema import Exchange, Exchanger
from inventory.secrets import Secrets
from lab.converging import CONTROLLER, Pair
from lab.settings import DNS_PORT, OUTSIDE
from roles.lib.records.keys import published_keys
from roles.lib.records.tlsa import tlsa_value
from roles.lib.records.whole import wanted_records
from tests.hosts.conftest import INVENTORY

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


def test_the_whole_plan_is_published(exchange: Exchange, secrets: Secrets) -> None:
    """Each record set of every kind, as Knot holds it after a converge."""
    wanted = wanted_records(exchange, published_keys(exchange, secrets, pyinfra.ROOT))

    assert {record.kind for record in wanted} >= {"MX", "A", "TXT"}
    for record in wanted:
        held = resolved(record.name, record.kind)
        assert {value for value in held if record.owns(value)} == set(record.values), record.name


def test_the_tlsa_record_is_of_the_key_that_port_25_shows(exchange: Exchange, exchanger: Exchanger) -> None:
    if not exchange.dns.dane.publish:
        pytest.skip("this inventory has no DANE")
    session = smtplib.SMTP(str(exchanger.address), 25, timeout=10)
    with session:
        session.ehlo()
        session.starttls(context=ssl._create_unverified_context())
        assert isinstance(session.sock, ssl.SSLSocket)
        shown = session.sock.getpeercert(binary_form=True)
    assert shown
    key = x509.load_der_x509_certificate(shown).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    assert tlsa_value(spki) in resolved(f"_25._tcp.{exchanger.fqdn}", "TLSA")


def dns_command(*words: str) -> subprocess.CompletedProcess[str]:
    """`twinmx dns` with `words`."""
    command = [str(pyinfra.ROOT / "bin" / "twinmx"), "dns", *words]
    return subprocess.run(command, cwd=pyinfra.ROOT, capture_output=True, text=True, check=False)


def test_the_check_finds_nothing_but_that_the_labs_zones_are_signed_by_nobody(exchange: Exchange) -> None:
    hosts = exchange.exchangers.values() if exchange.dns.dane.publish else ()
    unsigned = {(f"_25._tcp.{host.fqdn}", "TLSA") for host in hosts}

    checked = dns_command("check", INVENTORY, "--json")

    assert checked.returncode == (2 if unsigned else 0), checked.stderr
    found = json.loads(checked.stdout)
    assert {(one["name"], one["type"]) for one in found["findings"]} == unsigned
    assert all("not signed" in one["problem"] for one in found["findings"])


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


@pytest.mark.changes
def test_a_record_that_somebody_spoilt_is_found_planned_and_mended(
    exchange: Exchange, secrets: Secrets
) -> None:
    domain = exchange.domains[0]
    name = f"_dmarc.{domain}"
    (text,) = resolved(name, "TXT")
    assert dns_command("plan", INVENTORY).returncode == 0
    update(exchange, secrets, False, (f"{name}.", "TXT", text))

    checked = json.loads(dns_command("check", INVENTORY, "--json").stdout)
    planned = dns_command("plan", INVENTORY, "--json")
    applied = dns_command("apply", INVENTORY)

    assert (name, "TXT") in {(one["name"], one["type"]) for one in checked["findings"]}
    assert planned.returncode == 2
    changes = json.loads(planned.stdout)["dns"]["changes"]
    assert [(change["name"], change["action"]) for change in changes] == [(f"{name}.", "create")]
    assert applied.returncode == 0, applied.stderr
    assert resolved(name, "TXT") == {text}
    assert dns_command("plan", INVENTORY).returncode == 0


@pytest.mark.changes
def test_what_is_odd_in_others_texts_survives_a_change_beside_it(
    exchange: Exchange, secrets: Secrets, pair: Pair
) -> None:
    domain = exchange.domains[0]
    odd = ("@", "TXT", r'"C:\\dir" "\"quoted\""')
    (spf,) = [text for text in resolved(domain, "TXT") if "v=spf1" in text]
    update(exchange, secrets, True, odd)
    try:
        update(exchange, secrets, False, ("@", "TXT", spf))

        pair.converge(CONTROLLER)

        assert resolved(domain, "TXT") == {spf, odd[2]}
    finally:
        update(exchange, secrets, False, odd)
