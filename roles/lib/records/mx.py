"""MX: the exchangers in the order in which senders try them (RFC 5321, 5.1)."""

from collections.abc import Collection, Iterator

from inventory.schema import Exchange
from roles.lib.records.wanted import Wanted
from twinmx.failover.mx import order_with


def mx_preferences(exchange: Exchange, demoted: Collection[str] = ()) -> dict[str, int]:
    """Exchanger → preference: the inventory's, handed out anew with `demoted` behind the others."""
    hosts = sorted(exchange.exchangers, key=lambda name: exchange.exchangers[name].mx_priority)
    preferences = [exchange.exchangers[name].mx_priority for name in hosts]
    return dict(zip(order_with(hosts, demoted), preferences, strict=True))


def mx(exchange: Exchange, demoted: Collection[str] = ()) -> Iterator[Wanted]:
    """The MX of each served domain. A drained host stays in it: senders go on to the next by themselves."""
    values = tuple(
        f"{preference} {exchange.exchangers[name].fqdn}."
        for name, preference in mx_preferences(exchange, demoted).items()
    )
    for domain in exchange.domains:
        yield Wanted(domain, "MX", values, "senders do not know which hosts take the domain's mail")
