"""The certificate, as a sender sees it who checks it."""

import socket
import ssl
from pathlib import Path

import pytest

from controller.pyinfra import ROOT
from inventory.schema import Exchange, Exchanger

pytestmark = pytest.mark.role("tls")


def handshake(exchanger: Exchanger, context: ssl.SSLContext) -> bytes:
    """STARTTLS on port 25, checked as `context` says; the certificate that was shown (DER)."""
    with socket.create_connection((str(exchanger.address), 25), timeout=10) as connection:
        stream = connection.makefile("rb")
        for command in (b"", b"EHLO controller.sender.example\r\n", b"STARTTLS\r\n"):
            connection.sendall(command)
            while (line := stream.readline())[3:4] == b"-":
                pass
            assert line[:1] == b"2", line
        with context.wrap_socket(connection, server_hostname=exchanger.fqdn) as encrypted:
            encrypted.sendall(b"QUIT\r\n")
            assert encrypted.recv(3) == b"221"
            return encrypted.getpeercert(binary_form=True) or b""


def test_the_chain_and_the_name_verify(exchanger: Exchanger, authority: Path) -> None:
    handshake(exchanger, ssl.create_default_context(cafile=str(authority)))


def test_a_checking_sender_does_not_take_it_for_another_host(exchanger: Exchanger, authority: Path) -> None:
    other = exchanger.model_copy(update={"fqdn": "mx9.elsewhere.example"})

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(other, ssl.create_default_context(cafile=str(authority)))


def test_postfix_serves_the_inventorys_certificate(
    exchange: Exchange, exchanger: Exchanger, authority: Path
) -> None:
    file = ROOT / exchange.tls.certificate.format(fqdn=exchanger.fqdn)
    leaf = file.read_text().partition("-----END CERTIFICATE-----")
    shown = handshake(exchanger, ssl.create_default_context(cafile=str(authority)))

    assert shown == ssl.PEM_cert_to_DER_cert(leaf[0] + leaf[1])


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_versions_older_than_1_2_are_refused(exchanger: Exchanger, version: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version

    with pytest.raises(ssl.SSLError) as refused:
        handshake(exchanger, context)

    assert refused.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION", "the host refused, not this client"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_1_2_and_1_3_are_spoken(exchanger: Exchanger, authority: Path, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(authority))
    context.minimum_version = context.maximum_version = version

    handshake(exchanger, context)
