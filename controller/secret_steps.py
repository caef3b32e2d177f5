"""What an operator does after a step of a rotation, and when the next one may come."""

from collections.abc import Iterator

from controller.secret_rotation import next_from
from inventory.schema import Exchange
from inventory.secrets import Secrets


def following(
    name: str, stage: str, exchange: Exchange, before: Secrets, after: Secrets, inventory: str
) -> Iterator[str]:
    """Lines to be typed or done after `stage` of rotating `name`, which made `after` out of `before`."""
    converge, again = f"twinmx converge {inventory}", f"twinmx secrets rotate {inventory} {name}"
    keys = [key.name for key in after.tsig_keys]
    match name, stage:
        case "tsig_keys", "added":
            yield f"give the key {keys[-1]} to the name server, beside {keys[0]} and with the same rights"
            yield f"{again}    # asks the name server first, then uses it"
        case "dkim_keys", "added":
            new = after.dkim_keys[-1].name
            yield f"twinmx dns apply {inventory}    # publishes {new}; nothing signs with it yet"
            yield f"{again}    # from {_due(name, exchange, after)} on: signs with it, if resolvers find it"
        case _, "added":
            yield f"{converge}    # every host accepts the new one; none uses it yet"
            yield f"{again}    # uses it"
        case "database_passwords", "promoted":
            if exchange.database and not exchange.database.managed:
                yield f"psql -c '\\password {exchange.database.user}'    # at your PostgreSQL: the first one"
            yield f"{converge}    # the database first; exchangers try both"
            yield f"{again}    # drops the old one"
        case (("srs_keys" | "dkim_keys"), "promoted"):
            yield f"{converge}    # the new one signs; the old one is still accepted"
            yield f"{again}    # from {_due(name, exchange, after)} on: drops the old one"
        case "tsig_keys", "promoted":
            yield f"{converge}    # updates are signed with {keys[0]}"
            yield f"take {', '.join(keys[1:])} from the name server"
            yield f"{again}    # drops it here"
        case _, "promoted":
            yield f"{converge}    # the new one is used; the old one is still accepted"
            yield f"{again}    # drops the old one"
        case "tsig_keys", _:
            yield "nothing: no host has the old key"
        case "dkim_keys", _:
            for old in before.dkim_keys[1:]:
                names = f"{old.name}-rsa._domainkey and {old.name}-ed25519._domainkey"
                yield f"remove {names} of {', '.join(exchange.domains)} from DNS: no host has them"
        case _:
            yield converge


def _due(name: str, exchange: Exchange, after: Secrets) -> str:
    """When the next step may come."""
    rotation = next(found for key, found in after.rotations.items() if key == name)
    return f"{next_from(name, rotation.stage, rotation.since, exchange):%Y-%m-%d %H:%M %Z}"
