"""Who comes when: the least preferred first, and never more at once than the inventory lets out."""

from collections.abc import Collection

from inventory.schema import Exchange


def order(exchange: Exchange) -> list[str]:
    """Names of the exchangers, the one with the least mail (highest MX priority number) first."""
    hosts = exchange.exchangers
    return sorted(hosts, key=lambda name: hosts[name].mx_priority, reverse=True)


def may_be_out(exchange: Exchange) -> int:
    """How many exchangers may be out of service at once: the inventory's share, and at least one."""
    active = sum(host.active for host in exchange.exchangers.values())
    return max(1, active * exchange.rolling.out_percent // 100)


def next_wave(waiting: Collection[str], room: int) -> list[str]:
    """The next hosts to be taken out together; empty where there is no room."""
    return list(waiting)[: max(0, room)]
