"""Exchanges of several shapes, and one host's view of them, for roles to render."""

from collections.abc import Mapping
from typing import Any

from inventory.flags import with_flags
from inventory.schema import Exchange
from inventory.secrets import Secrets
from roles.lib.site import Site

RSPAMD_PASSWORD = "correct-horse-battery"
VALKEY_PASSWORD = "staple-of-many-words"
DATABASE_PASSWORD = "elephants-never-'forget"
SRS_KEYS = ("0123456789abcdefghijklmnopqrstuv", "zyxwvutsrqponmlkjihgfedcba543210")
WEBHOOK = "https://pager.elsewhere.example/hook/0123456789"
RELAY_PASSWORD = "relay-of-many-words"
TSIG_SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

MX1 = {"fqdn": "mx1.alias.example", "address": "198.51.100.11", "mx_priority": 10}
MX2 = {"fqdn": "mx2.alias.example", "address": "198.51.100.12", "mx_priority": 20}
MX3 = {"fqdn": "mx3.elsewhere.example", "address": "198.51.100.13", "mx_priority": 5}
DATABASE = {"fqdn": "db.alias.example", "address": "198.51.100.14", "authority": "ca.pem"}
IPV6 = {"address6": "2001:db8:1::11"}
PEER_LINK = {"peer_address": "10.0.0.12"}


def exchange(
    *hosts: Mapping[str, Any], flags: Mapping[str, str] | None = None, **changes: object
) -> Exchange:
    """An exchange of `hosts` (mx1, mx2 … in this order; the usual pair by default) with `changes`."""
    facts: dict[str, object] = {
        "domains": ["alias.example", "masked.example"],
        "exchangers": {f"mx{number}": dict(host) for number, host in enumerate(hosts or (MX1, MX2), start=1)},
        "secrets_from": {"kind": "file", "path": "secrets.yml"},
        "tls": {"certificate": "tls/{fqdn}.pem", "key": "tls/{fqdn}.key"},
        "dns": {"server": "198.51.100.10"},
        "access": {"ssh_from": ["198.51.100.0/24"]},
    }
    return with_flags(Exchange.model_validate(facts | changes), flags or {})


def secrets() -> Secrets:
    """Secrets that no test may find where they do not belong."""
    return Secrets.model_validate(
        {
            "rspamd_password": RSPAMD_PASSWORD,
            "valkey_passwords": [VALKEY_PASSWORD],
            "database_passwords": [DATABASE_PASSWORD],
            "srs_keys": list(SRS_KEYS),
            "tsig_keys": [{"name": "twinmx", "secret": TSIG_SECRET}],
            "receivers": {"hook": {"secret": WEBHOOK}, "mail": {"secret": RELAY_PASSWORD}},
        }
    )


def all_secrets() -> list[str]:
    """Every secret of `secrets()`, as text."""
    return secrets().values


def site(of: Exchange | None = None, name: str = "mx1") -> Site:
    """How `name` sees the exchange."""
    return Site(of or exchange(), name, secrets())
