"""DKIM: the public keys that verify our signatures (RFC 6376; Ed25519: RFC 8463)."""

import base64
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from inventory.schema import Exchange
from roles.lib.records.keys import Keys
from roles.lib.records.wanted import Wanted, txt


def key_text(key: RSAPublicKey | Ed25519PublicKey) -> str:
    """The record of a key: RSA as SubjectPublicKeyInfo (RFC 6376, erratum 3017), Ed25519 as its 32 octets."""
    if isinstance(key, RSAPublicKey):
        kind, octets = "rsa", key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        kind, octets = "ed25519", key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; h=sha256; k={kind}; p={base64.b64encode(octets).decode()}"


def dkim(exchange: Exchange, keys: Keys) -> Iterator[Wanted]:
    """Each key, under its selector in each served domain."""
    for domain in exchange.domains:
        for selector, key in keys.dkim.items():
            why = "receivers cannot verify our signatures with this key"
            yield Wanted(f"{selector}._domainkey.{domain}", "TXT", (txt(key_text(key)),), why)
