"""TLSA 3 1 1: the exchangers' keys in DNS, for senders with DANE (RFC 6698, RFC 7671, RFC 7672).

Usage 3 (this key, whoever signed it), selector 1 (the key, so a renewal with the same one changes nothing),
matching 1 (SHA-256). The next key stands beside the current one before it is used (RFC 7671, 8.1).
"""

import hashlib
from collections.abc import Iterator

from inventory.schema import Exchange
from roles.lib.records.keys import Keys
from roles.lib.records.wanted import Wanted

PREFIX = "_25._tcp"


def tlsa_value(spki: bytes) -> str:
    """The record of a key, given as DER SubjectPublicKeyInfo."""
    return f"3 1 1 {hashlib.sha256(spki).hexdigest()}"


def tlsa(exchange: Exchange, keys: Keys) -> Iterator[Wanted]:
    """The record set of each exchanger whose keys are known."""
    for host in exchange.exchangers.values():
        values = tuple(dict.fromkeys(tlsa_value(spki) for spki in keys.tls.get(host.fqdn, ())))
        if values:
            why = "senders with DANE do not know the host's key"
            yield Wanted(f"{PREFIX}.{host.fqdn}", "TLSA", values, why)
