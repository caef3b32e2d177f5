"""MTA-STS: senders insist on TLS with a valid certificate (RFC 8461).

DNS says that there is a policy, and its id; the policy itself is a text behind HTTPS at mta-sts.DOMAIN. The
id is made from it, and changes with it and only with it.
"""

import hashlib
from collections.abc import Iterator

from inventory.schema import Exchange
from roles.lib.records.addresses import addresses_under
from roles.lib.records.wanted import Wanted, txt

TAG = "v=STSv1"
LONGEST_ID = 32  # letters and digits (3.1)
WHY_HOST = "senders do not find the host that serves the MTA-STS policy"


def mta_sts_policy(exchange: Exchange) -> str:
    """The text of /.well-known/mta-sts.txt, the same for each served domain (3.2).

    It always lists every exchanger, drained or not, in an order that no failover changes: a sender that
    enforces it refuses to deliver to a host that is missing.
    """
    knobs = exchange.dns.mta_sts
    hosts = sorted(host.fqdn for host in exchange.exchangers.values())
    lines = ["version: STSv1", f"mode: {knobs.mode}", *(f"mx: {host}" for host in hosts)]
    return "".join(f"{line}\r\n" for line in [*lines, f"max_age: {knobs.max_age_seconds}"])


def policy_names(exchange: Exchange) -> list[str]:
    """The names at which the exchangers serve the policy; none where there is none, or another host does."""
    knobs = exchange.dns.mta_sts
    if knobs.mode is None or knobs.host is not None:
        return []
    return [f"mta-sts.{domain}" for domain in exchange.domains]


def policy_id(policy: str) -> str:
    """The id of a policy, from its content alone."""
    return hashlib.sha256(policy.encode()).hexdigest()[:LONGEST_ID]


def mta_sts(exchange: Exchange) -> Iterator[Wanted]:
    """The id at _mta-sts, and where the policy is served; nothing without a mode."""
    if exchange.dns.mta_sts.mode is None:
        return
    text = txt(f"{TAG}; id={policy_id(mta_sts_policy(exchange))};")
    for domain in exchange.domains:
        why = "senders do not learn that there is an MTA-STS policy, or a new one"
        yield Wanted(f"_mta-sts.{domain}", "TXT", (text,), why, shared=TAG)
        name, host = f"mta-sts.{domain}", exchange.dns.mta_sts.host
        if host is None:
            yield from addresses_under(name, exchange.exchangers.values(), WHY_HOST)
        elif host != name:
            yield Wanted(name, "CNAME", (f"{host}.",), WHY_HOST)
