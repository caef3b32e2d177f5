"""A and AAAA: the addresses of the exchangers under their names (RFC 1035, RFC 3596)."""

from collections.abc import Iterable, Iterator

from inventory.schema import Exchange, Exchanger
from roles.lib.records.wanted import Wanted


def addresses_under(name: str, hosts: Iterable[Exchanger], purpose: str) -> Iterator[Wanted]:
    """`name` leads to `hosts`."""
    found = list(hosts)
    yield Wanted(name, "A", tuple(str(host.address) for host in found), purpose)
    if sixes := tuple(str(host.address6) for host in found if host.address6):
        yield Wanted(name, "AAAA", sixes, purpose)


def addresses(exchange: Exchange) -> Iterator[Wanted]:
    """Each exchanger's name leads to it."""
    for host in exchange.exchangers.values():
        yield from addresses_under(host.fqdn, [host], "senders do not find the host that MX names")
