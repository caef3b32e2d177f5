"""Keys and exchanges for tests of records."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from inventory.dkim import new_pair
from inventory.schema import Exchange
from inventory.secrets import Secrets
from roles.lib.records.keys import Keys, published_keys
from roles.lib.records.wanted import Wanted
from roles.lib.records.whole import wanted_records
from tests.unit.roles.exchanges import IPV6, MX1, MX2, exchange, secrets

EVERYTHING: dict[str, object] = {
    "server": "198.51.100.10",
    "zones": ["reports.example"],
    "dmarc": {"reports": ["dmarc@reports.example"]},
    "mta_sts": {"mode": "enforce"},
    "tls_reports": ["tls@reports.example"],
    "caa": {"issuers": ["ca.example; validationmethods=dns-01"], "incidents": "ca@reports.example"},
}


@cache
def with_dkim() -> Secrets:
    """Secrets with two pairs; drawing RSA keys takes a moment."""
    pairs = {"dkim_keys": [new_pair("k1"), new_pair("k2")]}
    return Secrets.model_validate(secrets().model_dump() | pairs)


@cache
def keys() -> Keys:
    """DKIM keys of two pairs, and two TLS keys for mx1."""
    tls = [ec.generate_private_key(ec.SECP256R1()).public_key() for _ in range(2)]
    spki = tuple(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in tls)
    return Keys(published_keys(exchange(), with_dkim()).dkim, {"mx1.alias.example": spki})


def complete() -> Exchange:
    """An exchange with every kind of record."""
    return exchange(MX1 | IPV6, MX2, dns=EVERYTHING)


def records(of: Exchange | None = None, demoted: tuple[str, ...] = ()) -> dict[tuple[str, str], Wanted]:
    """(name, type) → the record set that `of` wants; a name and type that comes twice is a mistake."""
    wanted = wanted_records(of or complete(), keys(), demoted)
    found = {(record.name, record.kind): record for record in wanted}
    assert len(found) == len(wanted)
    return found


def values(of: Exchange, name: str, kind: str) -> tuple[str, ...]:
    """The values of one of its record sets."""
    return records(of)[name, kind].values
