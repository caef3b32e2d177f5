"""Certificates ordered from an authority (Pebble), and what a new one does to the programs that show it."""

from pathlib import Path

import pytest
from cryptography import x509

from controller.acme import commands
from controller.pyinfra import ROOT
from inventory.schema import Exchange
from lab import pki
from lab.converging import Pair
from lab.settings import CERTIFIED
from roles.lib.records.keys import spki_of
from roles.tls import lacking_names
from tests.hosts.asking import Host, main_pid
from tests.hosts.ordering import ordering

pytestmark = pytest.mark.role("tls")


def test_certificates_are_ordered_by_dns_and_a_renewal_keeps_the_key(
    exchange: Exchange, tmp_path: Path
) -> None:
    files = (tmp_path / f"{{fqdn}}.{kind}" for kind in ("certificate", "key"))
    first = {}
    with ordering(exchange, tmp_path / "account.pem", *files) as ours:
        commands._renew(ours, ROOT, next_key=False)
        for host in ours.exchangers.values():
            file = tmp_path / f"{host.fqdn}.certificate"
            held = x509.load_pem_x509_certificate(file.read_bytes())
            assert lacking_names(held, (host.fqdn, *CERTIFIED[host.fqdn])) == []
            first[host.fqdn] = (held.serial_number, spki_of(file.read_bytes()))
            file.unlink()
        commands._renew(ours, ROOT, next_key=False)

    for fqdn, (serial, spki) in first.items():
        again = (tmp_path / f"{fqdn}.certificate").read_bytes()
        assert x509.load_pem_x509_certificate(again).serial_number != serial
        assert spki_of(again) == spki


@pytest.mark.changes
def test_a_new_certificate_reloads_what_shows_it_and_restarts_nothing(
    pair: Pair, exchange: Exchange, host: Host, name: str
) -> None:
    if name != pair.last:
        pytest.skip("one host is enough")
    fqdn = exchange.exchangers[name].fqdn
    units = ("postfix.service", "postfix@out.service", "nginx.service")
    before = {unit: main_pid(host, unit) for unit in units}
    (pki.DIRECTORY / f"{fqdn}.pem").unlink()
    pki.ensure([fqdn], also=CERTIFIED)

    changed = pair.converge(name)

    assert {"tls | tls: files", "postfix | postfix: converged"} <= changed
    assert {unit: main_pid(host, unit) for unit in units} == before
    assert pair.converge("@local") == {f"dns | {domain}: zone" for domain in exchange.domains[:1]}
