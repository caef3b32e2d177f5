"""The MX preference of the exchangers: their order, and how another one comes first."""

from collections.abc import Mapping

from inventory.schema import Exchanger


def by_preference(exchangers: Mapping[str, Exchanger]) -> list[str]:
    """Their names in the order in which senders try them."""
    return sorted(exchangers, key=lambda name: exchangers[name].mx_priority)


def put_first(exchangers: Mapping[str, Exchanger], chosen: str) -> dict[str, Exchanger]:
    """`exchangers` with the lowest priority at `chosen`; who had it takes over its number.

    Raises ValueError for one that is not active.
    """
    hosts = dict(exchangers)
    if not hosts[chosen].active:
        active = ", ".join(name for name, host in hosts.items() if host.active)
        raise ValueError(f"{chosen} is drained or inactive, and mail must not go there; allowed: {active}")
    first = by_preference(hosts)[0]
    swapped = {first: hosts[chosen].mx_priority, chosen: hosts[first].mx_priority}
    for name, priority in swapped.items():
        hosts[name] = hosts[name].model_copy(update={"mx_priority": priority})
    return hosts
