"""Which certificates are due, and what is written: a key is kept, so that TLSA records stay true.

A key is changed only on demand, to dns.dane.next_key, and only when that one has been in DNS for two TTLs
(RFC 7671, 8.1): a sender with an old answer would else refuse the host.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from controller.errors import ControllerError
from inventory.schema import Exchange
from roles.lib.records.mta_sts import policy_names
from roles.tls import lacking_names

ACCOUNT_BITS = 2048

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
"""What a certificate may be for, and Postfix can use."""


@dataclass(frozen=True)
class Wanted:
    """An exchanger's certificate: for which names, in which files, and why now (empty: it is not due)."""

    host: str
    names: tuple[str, ...]
    certificate: Path
    key: Path
    reason: str


def wanted(exchange: Exchange, root: Path, now: datetime | None = None) -> Iterator[Wanted]:
    """Each exchanger's certificate; relative paths are below `root`."""
    today = now or datetime.now(UTC)
    for name, host in exchange.exchangers.items():
        names = (host.fqdn, *policy_names(exchange))
        certificate, key = (
            root / path.format(fqdn=host.fqdn) for path in (exchange.tls.certificate, exchange.tls.key)
        )
        yield Wanted(name, names, certificate, key, _reason(exchange, names, certificate, today))


def _reason(exchange: Exchange, names: tuple[str, ...], certificate: Path, today: datetime) -> str:
    acme = exchange.tls.acme
    assert acme
    if not certificate.exists():
        return "there is none"
    try:
        held = x509.load_pem_x509_certificate(certificate.read_bytes())
    except ValueError:
        return "it cannot be read"
    if lacking := lacking_names(held, names):
        return f"it is not for {', '.join(lacking)}"
    left = held.not_valid_after_utc - today
    return f"it ends in {left.days} days" if left < timedelta(days=acme.renew_days) else ""


def kept_key(path: Path) -> Key:
    """The key in `path`; drawn (ECDSA, P-256) when there is none. Raises ControllerError."""
    if not path.exists():
        write(path, _pem(ec.generate_private_key(ec.SECP256R1())), secret=True)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, OSError) as error:
        raise ControllerError(f"{path}: {error}") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ControllerError(f"{path}: {type(key).__name__}; allowed: an RSA or an elliptic curve key")
    return key


def account_key(path: Path) -> rsa.RSAPrivateKey:
    """The key of the account with the authority; drawn when there is none. Raises ControllerError."""
    if not path.exists():
        write(path, _pem(rsa.generate_private_key(65_537, ACCOUNT_BITS)), secret=True)
    key = kept_key(path)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ControllerError(f"{path}: an account has an RSA key")
    return key


def ripe(next_key: Path, *, published: bool, ttl: int, now: float | None = None) -> float:
    """Seconds until `next_key` may be used: two TTLs after it was first seen `published`; 0 when it may.

    Raises ControllerError where it is not in DNS.
    """
    seen = next_key.with_suffix(f"{next_key.suffix}.published")
    if not published:
        seen.unlink(missing_ok=True)
        raise ControllerError(f"{next_key}: its TLSA record is not in DNS yet: `twinmx dns apply` first")
    today = time.time() if now is None else now
    if not seen.exists():
        write(seen, f"{today}\n".encode())
    return max(0.0, float(seen.read_text()) + 2 * ttl - today)


def take_next_key(next_key: Path, key: Path) -> None:
    """Make `next_key` the key, and draw the one after it."""
    next_key.with_suffix(f"{next_key.suffix}.published").unlink(missing_ok=True)
    next_key.replace(key)
    kept_key(next_key)


def write(path: Path, content: bytes, *, secret: bool = False) -> None:
    """Replace `path` at one stroke; a secret has mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644), "wb"
    ) as out:
        out.write(content)
    fresh.replace(path)


def _pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
