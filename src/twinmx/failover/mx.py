"""The order of the exchangers in DNS: the inventory's, with those that are demoted behind the others.

Pure: `dns` reads and writes. A demotion of the last host changes nothing that can be seen, and needs not to.
"""

from collections.abc import Collection, Sequence

Order = tuple[str, ...]


def order_with(hosts: Sequence[str], demoted: Collection[str]) -> Order:
    """`hosts` (in the inventory's order) with `demoted` behind the others."""
    return tuple(sorted(hosts, key=lambda host: (host in demoted, hosts.index(host))))


def demoted_in(hosts: Sequence[str], order: Sequence[str]) -> frozenset[str]:
    """Who is visibly demoted in `order`: what stands behind the part that is in the inventory's order."""
    ranks = [hosts.index(host) for host in order]
    kept = next((n for n in range(1, len(ranks)) if ranks[n] < ranks[n - 1]), len(ranks))
    return frozenset(order[kept:])


def demoted_by_others(
    hosts: Sequence[str], me: str, order: Sequence[str], mine: Collection[str], restoring: Collection[str]
) -> bool:
    """Whether `order` shows that somebody else has demoted us."""
    return me in demoted_in(hosts, order) and me not in mine and me not in restoring


def wanted_order(
    hosts: Sequence[str], me: str, order: Sequence[str], mine: Collection[str], restoring: Collection[str]
) -> Order:
    """What the record set shall be where it is `order`, for one who has demoted `mine`.

    Demotions of others stay. Who sees itself demoted by others adds nothing to them.
    """
    if demoted_by_others(hosts, me, order, mine, restoring):
        mine = ()
    return order_with(hosts, set(mine) | (demoted_in(hosts, order) - set(restoring)))
