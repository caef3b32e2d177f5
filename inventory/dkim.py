"""DKIM keys: what a pair is in the secrets, and how a new one is drawn.

Two keys, because Ed25519 (RFC 8463) is short and strong, and not every receiver knows it: whoever does not
takes the RSA signature. Of several pairs the first signs and all are published: a key is rolled by publishing
the next one before it signs, and by keeping the old one until mail signed with it has arrived.
"""

from typing import Annotated

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import AfterValidator, SecretStr, StringConstraints

from inventory.knob import Form, Settings, knob

RSA_BITS = 2048  # RFC 8301, 3.2; a longer key is cut off by some providers of DNS
MOST_RSA_BITS = 4096
RSA_EXPONENT = 65_537
LONGEST_WAY_DAYS = 7
"""Signed mail may be so long under way until it is verified: postfix-out keeps it for up to five days
(maximal_queue_lifetime, postconf(5)), and a relay on its way may keep it as well."""


def _loaded(secret: SecretStr) -> object:
    try:
        return load_pem_private_key(secret.get_secret_value().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("is no private key in PEM without a passphrase") from None


def _is_rsa(secret: SecretStr) -> SecretStr:
    key = _loaded(secret)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("is a key, but no RSA key")  # noqa: TRY004  pydantic reports ValueError alone
    if not RSA_BITS <= key.key_size <= MOST_RSA_BITS:
        raise ValueError(f"has {key.key_size} bits")
    return secret


def _is_ed25519(secret: SecretStr) -> SecretStr:
    if not isinstance(_loaded(secret), Ed25519PrivateKey):
        raise ValueError("is a key, but no Ed25519 key")  # noqa: TRY004
    return secret


PairName = Annotated[
    str,
    Form("a name: a letter, then letters and digits, all lower case, as in k1"),
    StringConstraints(pattern=r"^[a-z][a-z0-9]*$", max_length=32),
]
RsaKey = Annotated[
    SecretStr,
    Form(f"an RSA private key of {RSA_BITS} to {MOST_RSA_BITS} bits, in PEM"),
    AfterValidator(_is_rsa),
]
Ed25519Key = Annotated[SecretStr, Form("an Ed25519 private key, in PEM"), AfterValidator(_is_ed25519)]


class DkimPair(Settings):
    """The two private keys of one pair of selectors."""

    name: PairName = knob(says="Its selectors are NAME-rsa and NAME-ed25519; a new pair has a new name.")
    rsa: RsaKey = knob(says="The RSA key (RFC 6376).")
    ed25519: Ed25519Key = knob(says="The Ed25519 key (RFC 8463).")


def new_pair(name: str) -> dict[str, str]:
    """A fresh pair as the secrets hold it; `rsa` and `ed25519` are private keys in PEM (PKCS #8)."""
    return {
        "name": name,
        "rsa": _pem(generate_private_key(RSA_EXPONENT, RSA_BITS)),
        "ed25519": _pem(Ed25519PrivateKey.generate()),
    }


def _pem(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
