"""Say of a mistake where it is and what is allowed, so that one line is enough to mend it."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from inventory.describe import ANY_NAME, allowed, knobs, place, settings_of

Key = tuple[str | int, ...]
Lines = Mapping[tuple[str, ...], int]

LONGEST_SHOWN = 80  # characters of a wrong value; more would hide what is allowed


def dotted(key: Iterable[str | int]) -> str:
    """A key as people write it, the entries of a list counted from 1."""
    parts = list(key)
    if parts[-1:] == ["[key]"]:  # the name itself is wrong
        parts = [*parts[:-2], *map(str, parts[-2:-1])]
    written = "".join(f" entry {part + 1}" if isinstance(part, int) else f".{part}" for part in parts)
    return written.removeprefix(".") or "the file"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean …?` where a known name is close, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _reason(model: type[BaseModel], found: Mapping[str, Any]) -> str:
    at = place(model, found["loc"])
    rules = allowed(at.annotation, at.metadata) if at else ""
    own = found["type"] in ("value_error", "together")
    told = [found["msg"].removeprefix("Value error, ")] if own or not at else []
    if rules and not any("allowed:" in part for part in told):
        told.append(f"allowed: {rules}")
    says = f" ({at.says.partition('. ')[0].removesuffix('.')})" if at and at.says else ""
    return "; ".join(told) + says


def sentence(model: type[BaseModel], found: Mapping[str, Any], *, secret: bool = False) -> str:
    """One mistake as `key: value: what is allowed`."""
    key: Key = tuple(found["loc"])
    if found["type"] in ("extra_forbidden", "invalid_key"):  # the latter: a number
        return f"{dotted([*key, '[key]'])}: {_unknown(model, key)}"
    value = "missing" if found["type"] == "missing" else "" if secret else _shown(found["input"])
    told = _reason(model, found)
    mark = "; " if told.startswith("allowed:") else ": "
    return f"{dotted(key)}: {value + mark if value else ''}{told}"


def mistakes(error: ValidationError) -> list[Mapping[str, Any]]:
    """What pydantic found, less what only follows: a list is "too short" where its one entry is wrong."""
    found = error.errors(include_url=False)
    wrong = [mistake["loc"] for mistake in found if mistake["type"] != "too_short"]
    return [
        mistake
        for mistake in found
        if mistake["type"] != "too_short"
        or not any(at[: len(mistake["loc"])] == mistake["loc"] for at in wrong)
    ]


def problems(
    model: type[BaseModel], error: ValidationError, path: Path | str, lines: Lines, *, secret: bool = False
) -> str:
    """Each mistake on its line as `file:line: key: value: what is allowed`; a `secret` value is not told."""
    told = []
    for found in mistakes(error):
        key = tuple(str(part) for part in found["loc"])
        while key and key not in lines:
            key = key[:-1]
        where = f"{path}:{lines[key]}" if key else str(path)
        told.append(f"{where}: {sentence(model, found, secret=secret)}")
    return "\n".join(told)


def _shown(value: object) -> str:
    if value is None:
        return "no value"
    if isinstance(value, BaseModel) or (isinstance(value, dict) and value):
        return ""
    text = repr(value) if isinstance(value, str | int | float | list | dict) else repr(str(value))
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _unknown(model: type[BaseModel], key: Key) -> str:
    parent = place(model, key[:-1])
    group = settings_of(parent.annotation) if parent else None
    names = list(group.model_fields) if group else []
    hint = did_you_mean(str(key[-1]), names) or _elsewhere(model, str(key[-1]))
    return f"no such key.{hint} Allowed here: {', '.join(names)}"


def _elsewhere(model: type[BaseModel], name: str) -> str:
    """A key given at the wrong depth: where it belongs."""
    places = [dotted(key) for key, _ in knobs(model) if key[-1] == name and ANY_NAME not in key]
    return f" Did you mean {' or '.join(places)}?" if places else ""
