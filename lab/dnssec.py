"""The key that signs the lab's secure zones, and the anchors from which the exchangers validate them.

Files: key.pem (one key signs each zone, a combined signing key) and anchors (its DNSKEY, a line each zone).
In the world the root's key leads to every zone; the lab has no root of its own.
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from dns.dnssec import make_dnskey
from dns.dnssectypes import Algorithm
from dns.rdtypes.dnskeybase import Flag

from lab.settings import SECURE_ZONES, STATE

DIRECTORY = STATE / "dnssec"
ALGORITHM = Algorithm.ECDSAP256SHA256


def key(directory: Path = DIRECTORY) -> str:
    """The private key in PEM (PKCS #8), as `keymgr import-pem` reads it; drawn when there is none."""
    file = directory / "key.pem"
    if not file.exists():
        directory.mkdir(parents=True, exist_ok=True)
        drawn = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(drawn)
    return file.read_text()


def anchors(directory: Path = DIRECTORY) -> str:
    """A DNSKEY record for each secure zone."""
    private = load_pem_private_key(key(directory).encode(), password=None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    record = make_dnskey(private.public_key(), ALGORITHM, flags=Flag.ZONE | Flag.SEP)
    return "".join(f"{zone}. IN DNSKEY {record}\n" for zone in SECURE_ZONES)


def ensure(directory: Path = DIRECTORY) -> None:
    """Have the key, and the anchors written beside it."""
    text = anchors(directory)
    (directory / "anchors").write_text(text)
