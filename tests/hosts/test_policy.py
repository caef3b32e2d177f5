"""The MTA-STS policy, as a sender fetches it that trusts the lab's authority."""

import socket
import ssl
from pathlib import Path

import pytest

from inventory.schema import Exchange, Exchanger
from roles.lib.records.mta_sts import mta_sts_policy, policy_names
from roles.policy import PLACE
from tests.hosts.asking import Host, comes_back_for_ever, exposure

pytestmark = pytest.mark.role("policy")


@pytest.fixture(autouse=True)
def served(exchange: Exchange) -> None:
    if not policy_names(exchange):
        pytest.skip("this inventory serves no policy")


def fetched(exchanger: Exchanger, authority: Path, name: str, path: str = PLACE) -> tuple[str, bytes]:
    """Status line and body of an answer over HTTPS, the certificate checked for `name`."""
    context = ssl.create_default_context(cafile=str(authority))
    with (
        socket.create_connection((str(exchanger.address), 443), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname=name) as encrypted,
    ):
        encrypted.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: encrypted.recv(65536), b""))
    header, _, body = answer.partition(b"\r\n\r\n")
    return header.decode().partition("\r\n")[0], body


def test_each_domain_has_the_policy_with_every_exchanger(
    exchange: Exchange, exchanger: Exchanger, authority: Path
) -> None:
    for name in policy_names(exchange):
        status, body = fetched(exchanger, authority, name)
        assert status == "HTTP/1.1 200 OK"
        assert body.decode() == mta_sts_policy(exchange)
        assert all(f"mx: {host.fqdn}\r\n".encode() in body for host in exchange.exchangers.values())


def test_there_is_nothing_else(exchange: Exchange, exchanger: Exchanger, authority: Path) -> None:
    for path in ("/", "/.well-known/", "/../etc/passwd", f"{PLACE}/"):
        status = fetched(exchanger, authority, policy_names(exchange)[0], path)[0].split()[1]
        assert status in ("400", "404")


def test_by_another_name_it_does_not_answer(exchanger: Exchanger, authority: Path) -> None:
    with pytest.raises(ssl.SSLError):
        fetched(exchanger, authority, exchanger.fqdn)


def test_it_is_hardened_and_comes_back(host: Host) -> None:
    assert comes_back_for_ever(host, "nginx.service")
    assert exposure(host, "nginx.service") <= 2.5
