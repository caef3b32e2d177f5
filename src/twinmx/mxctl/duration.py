"""How operators write a length of time: a number and one letter, as in 90s, 30m, 12h or 7d."""

import re

import typer

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(rf"([0-9]{{1,6}})([{''.join(_UNITS)}])")


def parse(text: str) -> float:
    """Return the seconds of `text`; raises typer's usage error, which names what is allowed."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r}; allowed: a number and s, m, h or d, as in 30m or 7d")
    return float(match[1]) * _UNITS[match[2]]


def show(seconds: float) -> str:
    """Return `seconds` in the largest unit that leaves a number of 2 or more, rounded down."""
    for letter, length in reversed(_UNITS.items()):
        if seconds >= 2 * length:
            return f"{int(seconds // length)}{letter}"
    return f"{int(seconds)}s"
