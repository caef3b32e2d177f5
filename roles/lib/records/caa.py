"""CAA: which authorities may issue certificates (RFC 8659, parameters: RFC 8657).

At the names we need certificates for. At a served domain itself only if asked for, and there beside what
others have put: an authority climbs the tree, so a set at the domain binds its web site too.
"""

from collections.abc import Iterator

from inventory.schema import Exchange
from roles.lib.records.dmarc import mailto
from roles.lib.records.mta_sts import policy_names
from roles.lib.records.wanted import Wanted

WHY = "any authority may issue certificates for the name"


def caa(exchange: Exchange) -> Iterator[Wanted]:
    """The sets of the exchangers, of their names as policy hosts, and of the served domains if asked for."""
    knobs = exchange.dns.caa
    if not knobs.issuers:
        return
    values = tuple(f'0 issue "{issuer}"' for issuer in knobs.issuers)
    if knobs.incidents:
        values += (f'0 iodef "{mailto(knobs.incidents)}"',)
    names = [host.fqdn for host in exchange.exchangers.values() if host.fqdn not in exchange.domains]
    for name in [*names, *policy_names(exchange)]:
        yield Wanted(name, "CAA", values, WHY)
    if knobs.domains:
        for domain in exchange.domains:
            yield Wanted(domain, "CAA", values, WHY, shared="")
