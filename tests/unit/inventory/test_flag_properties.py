"""What holds for the flags on any exchange that the schema accepts."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as some

from inventory.flags import with_flags
from inventory.schema import Exchange

FIRST_ADDRESS = int(IPv4Address("198.51.100.1"))


@some.composite
def exchanges(draw: some.DrawFn) -> Exchange:
    """One to eight exchangers with any priorities, at least one of them active."""
    priorities = draw(some.lists(some.integers(0, 65535), min_size=1, max_size=8, unique=True))
    active = draw(some.lists(some.booleans(), min_size=len(priorities), max_size=len(priorities)).filter(any))
    return Exchange.model_validate(
        {
            "domains": ["alias.example"],
            "exchangers": {
                f"mx{number}": {
                    "fqdn": f"mx{number}.alias.example",
                    "address": str(IPv4Address(FIRST_ADDRESS + number)),
                    "mx_priority": priority,
                    "active": active[number],
                }
                for number, priority in enumerate(priorities)
            },
            "secrets_from": {"kind": "file", "path": "secrets.yml"},
            "tls": {"certificate": "{fqdn}.pem", "key": "{fqdn}.key"},
            "access": {"ssh_from": ["198.51.100.0/24"]},
        }
    )


def _but(exchange: Exchange, attribute: str) -> dict[str, object]:
    """All of an exchange except one attribute of its hosts."""
    hosts = {name: host.model_dump(exclude={attribute}) for name, host in exchange.exchangers.items()}
    return exchange.model_dump(exclude={"exchangers"}) | {"hosts": hosts}


@given(exchanges(), some.data())
def test_primary_gives_the_lowest_priority_and_keeps_the_numbers(
    exchange: Exchange, data: some.DataObject
) -> None:
    active = [name for name, host in exchange.exchangers.items() if host.active]
    chosen = data.draw(some.sampled_from(active))

    changed = with_flags(exchange, {"primary": chosen})

    numbers = {name: host.mx_priority for name, host in changed.exchangers.items()}
    assert all(numbers[chosen] < number for name, number in numbers.items() if name != chosen)
    assert sorted(numbers.values()) == sorted(host.mx_priority for host in exchange.exchangers.values())
    assert _but(changed, "mx_priority") == _but(exchange, "mx_priority")
    assert with_flags(changed, {"primary": chosen}) == changed


@given(exchanges(), some.data())
def test_drain_never_leaves_no_one(exchange: Exchange, data: some.DataObject) -> None:
    names = data.draw(some.sets(some.sampled_from(sorted(exchange.exchangers)), min_size=1))
    left = {name for name, host in exchange.exchangers.items() if host.active} - names

    flags = {"drain": ",".join(sorted(names))}

    if not left:
        with pytest.raises(ValueError, match="allowed: at least one active exchanger"):
            with_flags(exchange, flags)
        return
    changed = with_flags(exchange, flags)
    assert {name for name, host in changed.exchangers.items() if host.active} == left
    assert _but(changed, "active") == _but(exchange, "active")


@given(exchanges())
def test_no_flags_change_nothing(exchange: Exchange) -> None:
    assert with_flags(exchange, {}) == exchange
