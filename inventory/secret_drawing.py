"""Draw new secrets, each as long as it should be."""

import base64
import secrets
from collections.abc import Iterable
from typing import Any

from inventory.dkim import new_pair
from inventory.schema import Exchange
from inventory.secrets import GAP

KEY_BYTES = 32  # as many as SHA-256 has; a longer key makes an HMAC no stronger (RFC 2104, 3)
TSIG_ALGORITHM = "hmac-sha256"
ASKED = {
    "webhook": "the URL of the webhook",
    "pagerduty": "the routing key",
    "opsgenie": "the API key",
    "smtp": "the password at the relay",
}


def password() -> str:
    """A password or an HMAC key: 43 letters, digits, - and _."""
    return secrets.token_urlsafe(KEY_BYTES)


def tsig(name: str) -> dict[str, str]:
    """A TSIG key as the secrets hold it."""
    secret = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return {"name": name, "algorithm": TSIG_ALGORITHM, "secret": secret}


def draw(exchange: Exchange, provider_options: Iterable[str] = ()) -> dict[str, Any]:
    """All that `exchange` needs; what others give out is a gap, which is refused until it is filled.

    provider_options: names of the secret options of its DNS provider.
    """
    drawn: dict[str, Any] = {
        "rspamd_password": password(),
        "valkey_passwords": [password()],
        "srs_keys": [password()],
        "dkim_keys": [new_pair("k1")],
    }
    if exchange.database:
        drawn["database_passwords"] = [password()]
    if exchange.dns.server:
        drawn["tsig_keys"] = [tsig("twinmx")]
    gaps = {
        name: {"secret": f"{GAP}: {ASKED[receiver.kind]}"}
        for name, receiver in exchange.monitors.receivers.items()
        if receiver.needs_secret
    }
    given_out = {
        "receivers": gaps,
        "dns_provider": dict.fromkeys(provider_options, f"{GAP}: by the DNS provider"),
    }
    return drawn | {name: what for name, what in given_out.items() if what}
