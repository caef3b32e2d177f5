"""Figures and text as people read them. Whatever a peer says fits in and does no harm."""

import math
from collections.abc import Sequence

UNKNOWN = "\N{EN DASH}"
LONGEST_TEXT, LONGEST_NAME = 120, 40
_MANY = 1e9
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_WHOLE_MILLISECONDS, _WHOLE_SECONDS = 0.1, 10
_WHOLE_NUMBERS = 100


def text(said: str, longest: int = LONGEST_TEXT) -> str:
    """`said` in one line, cut where it is long; what cannot be printed, or turns the line round, is ·."""
    shown = "".join(letter if letter.isprintable() else "·" for letter in said[: longest + 1])
    return shown if len(shown) <= longest else shown[:longest] + "…"


def name(said: str) -> str:
    """`said` where a host, a rule or an engine has its name."""
    return text(said, LONGEST_NAME)


def joined(said: Sequence[str], most: int = 12) -> str:
    """The first of several, and how many are left out."""
    shown = [name(one) for one in said[:most]]
    return ", ".join([*shown, f"{len(said) - most} more"] if len(said) > most else shown)


def duration(seconds: float | None) -> str:
    """As in `25 ms`, `0.4 s`, `45 s`, `12 min`, `3 h 5 min`, `4 days`."""
    if seconds is None or math.isnan(seconds):
        return UNKNOWN
    if seconds >= _MANY:
        return "ages"
    if seconds < 2 * _MINUTE:
        return _short(seconds)
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        minutes = int(seconds % _HOUR // _MINUTE)
        return f"{seconds // _HOUR:.0f} h" + (f" {minutes} min" if minutes else "")
    return f"{seconds // _DAY:.0f} days"


def _short(seconds: float) -> str:
    if 0 < seconds < _WHOLE_MILLISECONDS:
        return f"{max(1.0, 1000 * seconds):.0f} ms"
    precise = 0 < seconds < _WHOLE_SECONDS and seconds != int(seconds)
    return f"{max(0.0, seconds):.{int(precise)}f} s"


def number(value: float | None) -> str:
    """As in `0`, `0.4`, `12`, `3 400`."""
    if value is None:
        return UNKNOWN
    if abs(value) >= _MANY:  # first of all, since it may be an integer beyond every float
        return "over 10⁹" if value > 0 else "below 0"
    if math.isnan(value):
        return UNKNOWN
    whole = abs(value) >= _WHOLE_NUMBERS or value == int(value)
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}") if whole else f"{value:.1f}"


def seconds(value: float | None) -> str:
    """As `number`, with the unit, for a scale: `0 s`, `0.5 s`, `200 s`."""
    return UNKNOWN if value is None or math.isnan(value) else f"{number(value)} s"


def percent(share: float | None) -> str:
    """As in `12 %`; a share is 0 to 1."""
    if share is None or math.isnan(share):
        return UNKNOWN
    return f"{100 * min(1.0, max(0.0, share)):.0f} %"
