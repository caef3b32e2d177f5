"""SPF: from which addresses mail of a domain comes (RFC 7208).

Forwarded mail leaves with a rewritten envelope sender (SRS) in the domain of its alias, so the served domains
are the SRS domains too. Bounces have no envelope sender, and then the name in HELO is asked (2.4).
"""

from collections.abc import Iterator

from inventory.schema import Exchange
from roles.lib.records.wanted import Wanted, txt

TAG = "v=spf1"
QUALIFIERS = {"fail": "-all", "softfail": "~all"}


def spf_text(exchange: Exchange) -> str:
    """The text for each served domain: every exchanger's addresses, then who else sends."""
    hosts = exchange.exchangers.values()
    sources = [f"ip4:{host.address}" for host in hosts]
    sources += [f"ip6:{host.address6}" for host in hosts if host.address6]
    sources += [f"include:{domain}" for domain in exchange.dns.spf.include]
    return " ".join([TAG, *sources, QUALIFIERS[exchange.dns.spf.others]])


def spf(exchange: Exchange) -> Iterator[Wanted]:
    """SPF of the served domains and of the exchangers' names."""
    text = txt(spf_text(exchange))
    for domain in exchange.domains:
        why = "receivers refuse forwarded mail, whose rewritten senders are in this domain"
        yield Wanted(domain, "TXT", (text,), why, shared=TAG)
    for host in exchange.exchangers.values():
        if host.fqdn not in exchange.domains:
            why = "receivers distrust bounces, which have no sender but the host's name in HELO"
            yield Wanted(host.fqdn, "TXT", (txt(f"{TAG} a -all"),), why, shared=TAG)
