"""A certificate authority of the lab, and a certificate for each host.

Files: ca.pem, <fqdn>.pem (the certificate, then the authority's) and <fqdn>.key (mode 0600).
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.settings import STATE

DIRECTORY = STATE / "tls"
AUTHORITY_LIFE = timedelta(days=3650)
HOST_LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
CLOCK_SKEW = timedelta(hours=1)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(text)


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path}: {type(key).__name__} found, an elliptic curve key is expected")
    return key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _builder(subject: x509.Name, issuer: x509.Name, life: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
    )


def _is_good(certificate: Path, key: Path, now: datetime, names: Sequence[str] = ()) -> bool:
    if not (certificate.exists() and key.exists()):
        return False
    held = x509.load_pem_x509_certificate(certificate.read_bytes())
    return held.not_valid_after_utc - now > RENEW_BEFORE and set(names) <= set(_names_of(held))


def _names_of(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:  # the authority's own
        return []
    return names.get_values_for_type(x509.DNSName)


def _make_authority(directory: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("twinmx lab authority")
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, AUTHORITY_LIFE)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(directory / "ca.key", key)
    (directory / "ca.pem").write_bytes(_pem(certificate))


def _issue(directory: Path, fqdn: str, names: Sequence[str]) -> None:
    authority_key = _read_key(directory / "ca.key")
    authority = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    certificate = (
        _builder(_name(fqdn), authority.subject, HOST_LIFE)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(directory / f"{fqdn}.key", key)
    (directory / f"{fqdn}.pem").write_bytes(_pem(certificate) + _pem(authority))


def ensure(
    names: Iterable[str],
    directory: Path = DIRECTORY,
    now: datetime | None = None,
    also: Mapping[str, Sequence[str]] | None = None,
) -> tuple[str, ...]:
    """Have an authority and a certificate for each of `names`; returns the names that got a new one.

    also: name → what its certificate is for besides. A certificate is replaced 30 days before it ends; a new
    authority replaces all of them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    today = now or datetime.now(UTC)
    stale = not _is_good(directory / "ca.pem", directory / "ca.key", today)
    if stale:
        _make_authority(directory)
    issued = []
    for fqdn in names:
        covered = (fqdn, *(also or {}).get(fqdn, ()))
        good = _is_good(directory / f"{fqdn}.pem", directory / f"{fqdn}.key", today, covered)
        if stale or not good:
            _issue(directory, fqdn, covered)
            issued.append(fqdn)
    return tuple(issued)
