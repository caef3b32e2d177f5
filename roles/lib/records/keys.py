"""The public keys that DNS publishes, taken from the secrets and from the certificates' files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from inventory.dkim import DkimPair
from inventory.load import InventoryError
from inventory.schema import Exchange
from inventory.secrets import Secrets


@dataclass(frozen=True)
class Keys:
    """dkim: selector → key. tls: an exchanger → its keys as DER SubjectPublicKeyInfo, current first."""

    dkim: Mapping[str, RSAPublicKey | Ed25519PublicKey] = field(default_factory=dict)
    tls: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)


def published_keys(exchange: Exchange, secrets: Secrets, root: Path = Path()) -> Keys:
    """All keys that the records of `exchange` need; relative paths are below `root`.

    Raises InventoryError for a file that is missing or holds no key.
    """
    return Keys(dkim_keys(secrets.dkim_keys), _of_tls(exchange, root))


def dkim_keys(pairs: Iterable[DkimPair]) -> dict[str, RSAPublicKey | Ed25519PublicKey]:
    """Selector → the public key that is published there."""
    found: dict[str, RSAPublicKey | Ed25519PublicKey] = {}
    for pair in pairs:
        for kind, secret in (("rsa", pair.rsa), ("ed25519", pair.ed25519)):
            key = load_pem_private_key(secret.get_secret_value().encode(), password=None)
            assert isinstance(key, RSAPrivateKey | Ed25519PrivateKey)
            found[f"{pair.name}-{kind}"] = key.public_key()
    return found


def _of_tls(exchange: Exchange, root: Path) -> dict[str, tuple[bytes, ...]]:
    dane = exchange.dns.dane
    if not dane.publish:
        return {}
    files = {"tls.certificate": exchange.tls.certificate, "dns.dane.next_key": dane.next_key}
    return {
        host.fqdn: tuple(
            _spki(knob, root / path.format(fqdn=host.fqdn)) for knob, path in files.items() if path
        )
        for host in exchange.exchangers.values()
    }


def _spki(knob: str, path: Path) -> bytes:
    """The public key in a PEM file with a certificate, a private or a public key."""
    try:
        return spki_of(path.read_bytes())
    except OSError as error:
        raise InventoryError(f"{knob}: {path}: {error.strerror}; dns.dane publishes its key") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InventoryError(
            f"{knob}: {path}: no certificate and no key without a passphrase; allowed: PEM"
        ) from None


def spki_of(pem: bytes) -> bytes:
    """The DER SubjectPublicKeyInfo of a certificate or key; ValueError or TypeError where there is none."""
    return _public(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _public(pem: bytes) -> PublicKeyTypes:
    if b"-----BEGIN CERTIFICATE-----" in pem:
        return x509.load_pem_x509_certificate(pem).public_key()
    if b"PRIVATE KEY-----" in pem:
        return load_pem_private_key(pem, password=None).public_key()
    return load_pem_public_key(pem)
