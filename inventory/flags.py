"""The --data flags of a converge: what a drill or an operation changes for the moment.

pyinfra accepts any `--data key=value` in silence, so a misspelt drill would run as a plain converge.
Here the flags are a closed list, and each is checked like the inventory it overrides.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from pydantic import ValidationError

from inventory.drill_flag import changed_by_drill
from inventory.mistakes import did_you_mean, mistakes, sentence
from inventory.preference import put_first
from inventory.schema import Exchange, Exchanger


class Flag(NamedTuple):
    """What one flag does: in words, and to an exchange.

    change: the parts of the exchange that differ; raises ValueError for a value that names no host.
    """

    says: str
    example: str
    change: Callable[[Exchange, str], dict[str, object]]


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")]


def _named(exchange: Exchange, value: str) -> list[str]:
    names = _split(value)
    for name in names:
        if name not in exchange.exchangers:
            known = ", ".join(exchange.exchangers)
            raise ValueError(f"there is no exchanger {name!r}; allowed: {known}")
    return names


def _drain(exchange: Exchange, value: str) -> dict[str, object]:
    """Make the named exchangers inactive."""
    hosts: dict[str, Exchanger] = dict(exchange.exchangers)
    for name in _named(exchange, value):
        hosts[name] = hosts[name].model_copy(update={"active": False})
    return {"exchangers": hosts}


def _primary(exchange: Exchange, value: str) -> dict[str, object]:
    chosen, *more = _named(exchange, value)
    if more:
        active = ", ".join(name for name, host in exchange.exchangers.items() if host.active)
        raise ValueError(f"only one exchanger comes first; allowed: one of {active}")
    return {"exchangers": put_first(exchange.exchangers, chosen)}


def _workers(exchange: Exchange, value: str) -> dict[str, object]:
    return {"forwarder": exchange.forwarder.model_dump() | {"workers": value}}


def _spam_engines(exchange: Exchange, value: str) -> dict[str, object]:
    return {"spam": exchange.spam.model_dump() | {"engines": _split(value)}}


def _rate_limit_answer(exchange: Exchange, value: str) -> dict[str, object]:
    answer = int(value) if value.isdecimal() else value
    return {"rate_limits": exchange.rate_limits.model_dump() | {"answer": answer}}


def _failover(exchange: Exchange, value: str) -> dict[str, object]:
    return {"failover": exchange.failover.model_dump() | {"under_way": value}}


def _mx_unanswered(exchange: Exchange, value: str) -> dict[str, object]:
    return {"dns": exchange.dns.model_dump() | {"mx_unanswered": value}}


def _alias_source(_: Exchange, value: str) -> dict[str, object]:
    return {"alias_source": value}


FLAGS: dict[str, Flag] = {
    "drill": Flag(
        "an incident replayed: NAME; with /then on the design of its time, with /calm without its faults, "
        "with /600s ended by the hosts after as many seconds. The next converge without it ends it",
        "drain-and-return/600s",
        changed_by_drill,
    ),
    "drain": Flag("the exchangers that stop accepting mail, joined by commas", "mx1", _drain),
    "primary": Flag("the exchanger that gets the lowest MX priority", "mx2", _primary),
    "workers": Flag("forwarder workers on each host", "12", _workers),
    "spam_engines": Flag("the spam engines in order, joined by commas", "spamassassin,rspamd", _spam_engines),
    "aliases_from": Flag("where the aliases come from: file or postgresql", "postgresql", _alias_source),
    "failover": Flag("end what the agents have taken out of service by themselves", "end", _failover),
    "mx_unanswered": Flag("write MX also while no exchanger takes mail", "write", _mx_unanswered),
    "rate_limit_answer": Flag("the answer above a rate limit: 550, 450 or 421", "450", _rate_limit_answer),
}


def with_flags(exchange: Exchange, flags: Mapping[str, str]) -> Exchange:
    """`exchange` as the flags change it.

    Raises ValueError naming the flag, its value and what is allowed.
    """
    for flag, value in flags.items():
        if flag not in FLAGS:
            raise ValueError(
                f"--data {flag}={value}: no such flag.{did_you_mean(flag, FLAGS)} Allowed: {', '.join(FLAGS)}"
            )
        if not value.strip():
            raise ValueError(f"--data {flag}=: no value; allowed: {_usage(flag)}")
    for flag in FLAGS:  # in this order: what others say of a drill holds, and a drained host is no primary
        if flag in flags:
            exchange = _with_flag(exchange, flag, flags[flag])
    return exchange


def _with_flag(exchange: Exchange, flag: str, value: str) -> Exchange:
    given = f"--data {flag}={value}"
    try:
        return Exchange.model_validate(exchange.model_dump() | FLAGS[flag].change(exchange, value))
    except ValidationError as error:
        told = [f"{given}: {sentence(Exchange, found)}" for found in mistakes(error)]
        raise ValueError("\n".join(told)) from None
    except ValueError as error:
        raise ValueError(f"{given}: {error}") from None


def _usage(flag: str) -> str:
    return f"{flag}={FLAGS[flag].example} ({FLAGS[flag].says})"
