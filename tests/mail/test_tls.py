"""STARTTLS with a certificate that the lab's authority has signed for the host's name."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab import pki
from lab.mailbox import Mailboxes
from lab.send import SENDER
from lab.settings import LabHost
from tests.mail.letters import letter

ALIAS = "hello@alias.example"


class Client(smtplib.SMTP):
    """Connects to the host's address, and checks the certificate for `name` all the same."""

    def __init__(self, host: LabHost, name: str) -> None:
        super().__init__(str(host.address), timeout=30)
        self._host = name


@contextmanager
def encrypted(host: LabHost, name: str, context: ssl.SSLContext) -> Iterator[Client]:
    with Client(host, name) as client:
        client.ehlo()
        client.starttls(context=context)
        client.ehlo()
        yield client


@pytest.fixture
def trusting() -> ssl.SSLContext:
    """Trusts the lab's authority and nobody else."""
    return ssl.create_default_context(cafile=pki.DIRECTORY / "ca.pem")


def test_a_message_by_verified_tls(
    exchanger: LabHost, mailboxes: Mailboxes, token: str, trusting: ssl.SSLContext
) -> None:
    with encrypted(exchanger, exchanger.fqdn, trusting) as client:
        assert isinstance(client.sock, ssl.SSLSocket)
        assert client.sock.version() == "TLSv1.3"
        client.sendmail(SENDER, [ALIAS], letter(token))

    first = mailboxes.wait(token).hops[0]
    assert (first.by, first.protocol) == (exchanger.fqdn, "ESMTPS")


def test_the_certificate_is_for_this_host_alone(
    exchanger: LabHost, other: LabHost, trusting: ssl.SSLContext
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError), encrypted(exchanger, other.fqdn, trusting):
        pass


def test_tls_1_2_is_enough(exchanger: LabHost, trusting: ssl.SSLContext) -> None:
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    with encrypted(exchanger, exchanger.fqdn, trusting) as client:
        assert client.noop()[0] == 250


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_tls_1_1_is_not(exchanger: LabHost, trusting: ssl.SSLContext) -> None:
    trusting.set_ciphers("DEFAULT@SECLEVEL=0")
    trusting.minimum_version = trusting.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        pytest.raises(ssl.SSLError, match="protocol version"),
        encrypted(exchanger, exchanger.fqdn, trusting),
    ):
        pass


def test_what_was_said_before_tls_is_forgotten(exchanger: LabHost, trusting: ssl.SSLContext) -> None:
    """RFC 3207, 4.2; and commands sent in the clear behind STARTTLS are not run inside (CVE-2011-0411)."""
    with Client(exchanger, exchanger.fqdn) as client:
        client.ehlo()
        client.send("STARTTLS\r\nNOOP\r\n")
        code, _ = client.getreply()
        assert code in (220, 554)
        if code == 220:
            raw = client.sock
            assert raw is not None
            client.sock = trusting.wrap_socket(raw, server_hostname=exchanger.fqdn)
            client.file = None
            assert client.ehlo()[0] == 250
            assert client.mail(SENDER)[0] == 250
