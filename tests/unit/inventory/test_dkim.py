"""DKIM keys in the secrets: what is drawn is accepted; what could not sign is refused, and not shown."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from inventory.dkim import DkimPair, new_pair
from inventory.load import InventoryError
from inventory.secrets import parse_secrets
from tests.unit.inventory.files import SECRETS

PAIR = new_pair("k1")


def pem(
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey, phrase: str = ""
) -> str:
    """A private key in PEM."""
    encryption = BestAvailableEncryption(phrase.encode()) if phrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def in_yaml(pair: dict[str, str]) -> str:
    """Secrets with a pair, as a file has them."""
    blocks = "".join(
        f"    {kind}: |\n" + "".join(f"      {line}\n" for line in pair[kind].splitlines())
        for kind in ("rsa", "ed25519")
    )
    return f"{SECRETS}dkim_keys:\n  - name: {pair['name']}\n{blocks}"


def test_a_new_pair_is_accepted_and_is_2048_bits_and_ed25519() -> None:
    (pair,) = parse_secrets(in_yaml(PAIR), "secrets.yml").dkim_keys

    key = load_pem_private_key(pair.rsa.get_secret_value().encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
    assert isinstance(
        load_pem_private_key(pair.ed25519.get_secret_value().encode(), None), ed25519.Ed25519PrivateKey
    )


def test_two_pairs_are_different() -> None:
    other = new_pair("k2")

    assert not {PAIR["rsa"], PAIR["ed25519"]} & {other["rsa"], other["ed25519"]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"rsa": PAIR["ed25519"]},
            "dkim_keys entry 1.rsa: is a key, but no RSA key; allowed",
        ),
        ({"ed25519": PAIR["rsa"]}, "dkim_keys entry 1.ed25519: is a key, but no Ed25519 key; allowed"),
        (
            {"rsa": pem(rsa.generate_private_key(65_537, 1024))},
            "entry 1.rsa: has 1024 bits; allowed",
        ),
        (
            {"ed25519": pem(ec.generate_private_key(ec.SECP256R1()))},
            "is a key, but no Ed25519",
        ),
        (
            {"ed25519": pem(ed25519.Ed25519PrivateKey.generate(), "phrase")},
            "is no private key in PEM",
        ),
        ({"rsa": "mislaid"}, "dkim_keys entry 1.rsa: is no private key in PEM"),
        ({"name": "K 1"}, "dkim_keys entry 1.name: allowed: a name: a letter, then letters and digits"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_and_not_shown(change: dict[str, str], says: str) -> None:
    pair = PAIR | change

    with pytest.raises(InventoryError) as refused:
        parse_secrets(in_yaml(pair), "secrets.yml")

    assert says in str(refused.value)
    shown = [line for secret in (pair["rsa"], pair["ed25519"]) for line in secret.splitlines()[1:-1]]
    assert not [line for line in shown if line in str(refused.value)]


def test_two_pairs_have_two_names() -> None:
    text = in_yaml(PAIR)
    again = text[text.index("  - name: k1") :]

    with pytest.raises(InventoryError, match="listed twice; allowed: once"):
        parse_secrets(text + again, "secrets.yml")


def test_a_pair_shows_neither_key_in_its_repr() -> None:
    assert "PRIVATE" not in repr(DkimPair.model_validate(PAIR))
    with pytest.raises(ValidationError) as refused:
        DkimPair.model_validate(PAIR | {"rsa": PAIR["ed25519"]})
    assert "PRIVATE" not in str(refused.value)
