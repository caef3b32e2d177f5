"""What port 25 offers to who asks for the worst, as testssl.sh rates it: nothing above "low".

testssl.sh calls low what is merely old (CBC ciphers with SHA-1, in TLS 1.2); medium and above are what is
asked for here: protocols before TLS 1.2, NULL, anonymous, export, RC4, DES, 3DES, IDEA, SEED, RC2 and MD5
ciphers, a choice without forward secrecy, compression, insecure renegotiation, and weak certificates.
"""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from inventory.schema import Exchanger
from tests.hosts.client_hello import (
    DEFLATE,
    NO_COMPRESSION,
    RENEGOTIATION_INFO,
    SSL3,
    TLS10,
    TLS11,
    TLS12,
    ServerHello,
    answer,
    client_hello,
)

pytestmark = pytest.mark.role("tls")

# IANA's numbers
GOOD = (0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9)  # ECDHE with AES-GCM or ChaCha20
OLD = (0xC009, 0xC00A, 0xC013, 0xC014, 0x002F, 0x0035, 0x009C, 0x009D)  # CBC with SHA-1, RSA key exchange
WEAK = {
    "NULL": (0x0001, 0x0002, 0x003B, 0xC001, 0xC006, 0xC00B, 0xC010),
    "anonymous": (0x0018, 0x001B, 0x0034, 0x003A, 0x006C, 0x006D, 0x00A6, 0x00A7, 0xC018, 0xC019),
    "export": (0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014, 0x0017, 0x0019, 0x0062, 0x0064),
    "RC4": (0x0004, 0x0005, 0xC002, 0xC007, 0xC00C, 0xC011),
    "DES": (0x0009, 0x000C, 0x000F, 0x0012, 0x0015),
    "3DES": (0x000A, 0x000D, 0x0010, 0x0013, 0x0016, 0xC003, 0xC008, 0xC00D, 0xC012),
    "IDEA, SEED, GOST": (0x0007, 0x0096, 0x0097, 0x0098, 0x0099, 0x009A, 0x0080, 0x0081),
}
LONGEST_LIFE = timedelta(days=398)  # CA/Browser Forum, Baseline Requirements 6.3.2
LEAST_RSA, LEAST_EC = 2048, 256


@contextmanager
def after_starttls(exchanger: Exchanger) -> Iterator[socket.socket]:
    """A connection on which the server waits for a ClientHello."""
    with socket.create_connection((str(exchanger.address), 25), timeout=10) as connection:
        stream = connection.makefile("rb", buffering=0)
        for command in (b"", b"EHLO controller.sender.example\r\n", b"STARTTLS\r\n"):
            connection.sendall(command)
            while (line := stream.readline())[3:4] == b"-":
                pass
            assert line[:1] == b"2", line
        yield connection


def offered(
    exchanger: Exchanger,
    version: int,
    ciphers: Sequence[int],
    compressions: Sequence[int] = (NO_COMPRESSION,),
) -> ServerHello | None:
    """What the server takes of an offer."""
    hello = client_hello(version, ciphers, name=exchanger.fqdn, compressions=compressions)
    with after_starttls(exchanger) as connection:
        return answer(connection, hello)


def test_a_good_offer_is_taken_with_forward_secrecy(exchanger: Exchanger) -> None:
    """Else the refusals below would prove nothing; and old ciphers beside it are not preferred."""
    taken = offered(exchanger, TLS12, (*OLD, *GOOD))

    assert taken is not None
    assert taken.version == TLS12
    assert taken.cipher in GOOD


@pytest.mark.parametrize("version", [SSL3, TLS10, TLS11])
def test_versions_before_1_2_are_refused_whatever_the_cipher(exchanger: Exchanger, version: int) -> None:
    assert offered(exchanger, version, (*GOOD, *OLD)) is None


@pytest.mark.parametrize("kind", WEAK)
def test_a_client_with_weak_ciphers_alone_is_refused(exchanger: Exchanger, kind: str) -> None:
    assert offered(exchanger, TLS12, WEAK[kind]) is None


def test_nothing_is_compressed(exchanger: Exchanger) -> None:
    """CRIME."""
    taken = offered(exchanger, TLS12, GOOD, (DEFLATE, NO_COMPRESSION))

    assert taken is not None
    assert taken.compression == NO_COMPRESSION


def test_renegotiation_is_secure(exchanger: Exchanger) -> None:
    """RFC 5746."""
    taken = offered(exchanger, TLS12, GOOD)

    assert taken is not None
    assert RENEGOTIATION_INFO in taken.extensions


def test_modern_clients_get_1_3(exchanger: Exchanger, authority: Path) -> None:
    context = ssl.create_default_context(cafile=str(authority))
    with (
        after_starttls(exchanger) as connection,
        context.wrap_socket(connection, server_hostname=exchanger.fqdn) as encrypted,
    ):
        assert encrypted.version() == "TLSv1.3"


def test_the_certificate_is_strong_and_in_time(exchanger: Exchanger, authority: Path) -> None:
    """Its chain and name are checked by test_tls."""
    context = ssl.create_default_context(cafile=str(authority))
    with (
        after_starttls(exchanger) as connection,
        context.wrap_socket(connection, server_hostname=exchanger.fqdn) as encrypted,
    ):
        shown = x509.load_der_x509_certificate(encrypted.getpeercert(binary_form=True) or b"")
    key = shown.public_key()
    algorithm = shown.signature_hash_algorithm

    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    assert key.key_size >= (LEAST_RSA if isinstance(key, rsa.RSAPublicKey) else LEAST_EC)
    assert algorithm is None or algorithm.name in ("sha256", "sha384", "sha512")
    assert shown.not_valid_after_utc - shown.not_valid_before_utc <= LONGEST_LIFE


def test_a_session_before_tls_does_not_leak_into_it(exchanger: Exchanger) -> None:
    """Commands sent along with STARTTLS, in the clear, are not answered under TLS (CVE-2011-0411)."""
    with socket.create_connection((str(exchanger.address), 25), timeout=10) as connection:
        stream = connection.makefile("rb", buffering=0)
        stream.readline()
        connection.sendall(b"EHLO controller.sender.example\r\n")
        while stream.readline()[3:4] == b"-":
            pass
        connection.sendall(b"STARTTLS\r\nRSET\r\n")
        answered = stream.readline()
        if not answered.startswith(b"220"):
            return
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(connection) as encrypted:
            encrypted.settimeout(2)
            with pytest.raises(TimeoutError):
                encrypted.recv(100)
