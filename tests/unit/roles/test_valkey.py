"""Valkey: what the inventory and the secrets make of its files, alone and shared by the exchangers."""

import hashlib
from pathlib import Path, PurePosixPath

import pytest
from cryptography import x509

from inventory.schema import Exchange
from lab import pki
from roles import valkey
from roles.firewall import render_rules
from roles.lib.managed import ManagedFile
from tests.unit.roles.exchanges import MX1, MX2, PEER_LINK, VALKEY_PASSWORD, all_secrets, exchange, site
from tests.unit.roles.rendered import named, text
from twinmx.limits.settings import LimitsFile
from twinmx.program.settings import load_settings


def limits(of: Exchange, name: str, folder: Path) -> LimitsFile:
    """The limits as a program on `name` reads them."""
    path = folder / "limits.toml"
    path.write_text(text(named(valkey.render_files(site(of, name)), "limits.toml")))
    return load_settings(path, LimitsFile)


@pytest.fixture
def shared(tmp_path: Path) -> Exchange:
    """Both exchangers count on mx1."""
    pki.ensure([str(MX1["fqdn"]), str(MX2["fqdn"])], tmp_path)
    tls = {"certificate": f"{tmp_path}/{{fqdn}}.pem", "key": f"{tmp_path}/{{fqdn}}.key"}
    return exchange(MX1, MX2 | PEER_LINK, tls=tls, rate_limits={"shared_on": "mx2"})


def test_valkey_is_told_a_hash_and_only_roots_file_has_the_password() -> None:
    files = valkey.render_files(site())
    telling = [file for file in files if any(secret in text(file) for secret in all_secrets())]

    assert hashlib.sha256(VALKEY_PASSWORD.encode()).hexdigest() in text(named(files, "users.acl"))
    assert [PurePosixPath(file.path).name for file in telling] == ["valkey-password"]
    (password,) = telling
    assert isinstance(password, ManagedFile)
    assert (password.mode, password.user, password.secret) == ("0400", "root", True)


def test_alone_it_has_no_port(tmp_path: Path) -> None:
    files = valkey.render_files(site())

    assert "port 0" in text(named(files, "valkey.conf")).splitlines()
    assert "tls-port" not in text(named(files, "valkey.conf"))
    assert limits(exchange(), "mx1", tmp_path).limits.valkey.socket == Path(valkey.SOCKET)
    assert "20384" not in text(render_rules(site()))


def test_the_programs_read_the_limits_of_the_inventory(tmp_path: Path) -> None:
    said = {"alias": {"count": 7, "window_seconds": 30}, "answer": 421, "text": r'5.2.1 "Too" much \n'}
    read = limits(exchange(rate_limits=said), "mx1", tmp_path).limits

    assert (read.alias.count, read.alias.window_seconds) == (7, 30)
    assert (read.mailbox.count, read.mailbox.window_seconds) == (15, 60)
    assert (read.answer, read.text) == (421, r'5.2.1 "Too" much \n')


def test_a_shared_one_listens_with_tls_on_the_peer_link(shared: Exchange, tmp_path: Path) -> None:
    files = valkey.render_files(site(shared, "mx2"))
    lines = text(named(files, "valkey.conf")).splitlines()

    assert {"port 0", "tls-port 20384", "bind 10.0.0.12"} <= set(lines)
    assert "ip saddr 198.51.100.11 tcp dport 20384 accept" in text(render_rules(site(shared, "mx2")))
    assert limits(shared, "mx2", tmp_path).limits.valkey.socket == Path(valkey.SOCKET)


def test_the_others_reach_it_and_know_its_certificate_alone(shared: Exchange, tmp_path: Path) -> None:
    files = valkey.render_files(site(shared, "mx1"))
    place = limits(shared, "mx1", tmp_path).limits.valkey
    pinned = x509.load_pem_x509_certificates(named(files, "tls/valkey.pem").data)
    expected = x509.load_pem_x509_certificate((tmp_path / "mx2.alias.example.pem").read_bytes())

    assert (str(place.address), place.port, str(place.certificate)) == ("10.0.0.12", 20384, valkey.PINNED)
    assert pinned == [expected]
    assert "20384" not in text(render_rules(site(shared, "mx1")))


def test_what_sharing_needed_goes_with_it(shared: Exchange) -> None:
    for name, kept in (("mx1", {valkey.PINNED}), ("mx2", {valkey.CERTIFICATE, valkey.KEY})):
        absent = set(valkey.surplus(valkey.render_files(site(shared, name))))
        assert absent == {valkey.PINNED, valkey.CERTIFICATE, valkey.KEY} - kept
