"""Certificates ordered from an authority (Pebble), and what a new one does to the programs that show it."""

import socket
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from controller.acme import commands
from controller.pyinfra import ROOT
from inventory.acme import Acme
from inventory.schema import Exchange
from lab import pki
from lab.settings import ACME_PORT, CERTIFIED, OUTSIDE
from roles.lib.records.keys import spki_of
from roles.tls import lacking_names
from tests.hosts.asking import Host, main_pid
from tests.hosts.converging import Pair

pytestmark = pytest.mark.role("tls")


@pytest.fixture
def ordering(exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exchange:
    """The exchange with files of its own, and Pebble, whose name only the lab's resolver knows."""
    look_up = socket.getaddrinfo

    def found(name: str, *rest: Any, **options: Any) -> Any:
        return look_up(str(OUTSIDE.address) if name == OUTSIDE.fqdn else name, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    acme = Acme(
        directory=f"https://{OUTSIDE.fqdn}:{ACME_PORT}/dir",
        account_key=str(tmp_path / "account.pem"),
        authority=str(pki.DIRECTORY / "ca.pem"),
        propagation_seconds=0,
    )
    files = {kind: str(tmp_path / f"{{fqdn}}.{kind}") for kind in ("certificate", "key")}
    return exchange.model_copy(update={"tls": exchange.tls.model_copy(update={"acme": acme, **files})})


def test_certificates_are_ordered_by_dns_and_a_renewal_keeps_the_key(
    ordering: Exchange, tmp_path: Path
) -> None:
    commands._renew(ordering, ROOT, next_key=False)
    first = {}
    for host in ordering.exchangers.values():
        file = tmp_path / f"{host.fqdn}.certificate"
        held = x509.load_pem_x509_certificate(file.read_bytes())
        assert lacking_names(held, (host.fqdn, *CERTIFIED[host.fqdn])) == []
        first[host.fqdn] = (held.serial_number, spki_of(file.read_bytes()))
        file.unlink()

    commands._renew(ordering, ROOT, next_key=False)

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
