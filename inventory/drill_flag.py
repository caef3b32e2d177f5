"""What the flag `drill=NAME[/then][/calm][/SECONDSs]` says, and what becomes of the exchange by it.

The drill's own inventory is merged into the exchange, and with `/then` that of the time of the incident.
The faults are put in by the role `drill`; with `/calm` they are not, so that there is something to compare.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import drills
from drills.lib.model import Drill, Where
from inventory.drills import UnderWay
from inventory.mistakes import did_you_mean
from inventory.preference import by_preference, put_first
from inventory.schema import Exchange

FORM = "NAME[/then][/calm][/SECONDSs], as in june-2021/then/600s"
SECONDS = re.compile(r"([1-9][0-9]{0,5})s", re.ASCII)


class Words(NamedTuple):
    """The parts of the flag's value. limit_seconds: None where none is given."""

    name: str
    then: bool
    calm: bool
    limit_seconds: int | None


def words_of(value: str) -> Words:
    """Take the value apart; raises ValueError for a part that is unknown or stands there twice."""
    name, *parts = (part.strip() for part in value.split("/"))
    limits = [int(found[1]) for part in parts if (found := SECONDS.fullmatch(part))]
    for part in parts:
        if part not in ("then", "calm") and not SECONDS.fullmatch(part):
            raise ValueError(f"{part!r} is no part of it; allowed: {FORM}")
    if len(limits) > 1 or len(set(parts)) < len(parts):
        raise ValueError(f"a part is given twice; allowed: {FORM}")
    return Words(name, "then" in parts, "calm" in parts, limits[0] if limits else None)


def changed_by_drill(exchange: Exchange, value: str) -> dict[str, object]:
    """All of `exchange` as the drill has it, with `drills.under_way`.

    Raises ValueError for a drill that there is not, or that may not be run here.
    """
    words = words_of(value)
    drill = _allowed(exchange, words)
    order = tuple(by_preference(exchange.exchangers))
    if drill.primary and not words.calm:
        chosen = order[0] if drill.primary is Where.FIRST else order[-1]
        hosts = put_first(exchange.exchangers, chosen)
        exchange = exchange.model_copy(update={"exchangers": hosts})
    changed = merged(exchange.model_dump(), drill.inventory)
    if words.then and drill.then:
        changed = merged(changed, drill.then.inventory)
    under_way = UnderWay(**words._asdict(), order=order)
    return merged(changed, {"drills": {"under_way": under_way.model_dump()}})


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with the values of `above`; mappings are merged in turn, and all else is replaced."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = merged(old, value)
        else:
            result[key] = value
    return result


def _allowed(exchange: Exchange, words: Words) -> Drill:
    """The drill, if it may be run here in this way."""
    known, rule = drills.all_drills(), exchange.drills
    if words.name not in known:
        hint = did_you_mean(words.name, known)
        raise ValueError(f"there is no drill {words.name!r}.{hint} Allowed: {_listed(known)}")
    drill = known[words.name]
    if words.then and drill.then is None:
        others = [name for name, one in known.items() if one.then]
        raise ValueError(f"{drill.name} has no `then`; allowed: {drill.name} alone, or {_listed(others)}")
    if rule.allowed == "none":
        raise ValueError("drills.allowed is none: no drill may be run here; allowed: harmless or any there")
    if rule.allowed == "harmless" and (words.then or not drill.harmless):
        what = f"{drill.name}/then" if words.then else drill.name
        harmless = [name for name, one in known.items() if one.harmless]
        raise ValueError(
            f"drills.allowed is harmless, and {what} is not: mail suffers; allowed: {_listed(harmless)}, or "
            "any there, in a lab"
        )
    if words.limit_seconds and words.limit_seconds > rule.longest_seconds:
        raise ValueError(
            f"{words.limit_seconds}s is longer than drills.longest_seconds; allowed: 1s to "
            f"{rule.longest_seconds}s"
        )
    return drill


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
