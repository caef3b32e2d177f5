"""Values as text: seconds, counts, ratios, moments, and links within sentences."""

import math
import re
from datetime import UTC, datetime

from markupsafe import Markup, escape

from drills.lib.record import Record

SYMBOLS = {"good": "✓", "past": "✓", "bad": "✕", "unknown": "?"}
UNKNOWN = "\u2013"

_TEN = 10
_ADDRESS = re.compile(r"https://[^\s<>\"']+")


def seconds(value: float | None) -> str:
    """Seconds without the unit, as exact as they deserve: 0.21, 1.4, 312; "never" for infinitely many."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "never"
    if abs(value) >= _TEN or not value:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


def number(value: float) -> str:
    """A count or a rate, thousands apart."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{value:,.0f}".replace(",", "\u2009") if value >= _TEN or value == int(value) else f"{value:.1f}"


def times(more: float | None, less: float | None) -> str:
    """How many times `less` is `more`, as "1 400 x"."""
    if not more or not less or math.isnan(ratio := more / less):
        return UNKNOWN
    if math.isinf(ratio):
        return "\u221e"
    return f"{number(round(ratio) if ratio >= _TEN else ratio)}\u00d7"


def moment(since_1970: float) -> str:
    """A moment as UTC, to the minute."""
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%d %H:%M")


def linked(text: str) -> Markup:
    """`text`, escaped, with its https addresses as links."""
    parts: list[Markup] = []
    end = 0
    for found in _ADDRESS.finditer(text):
        address = found.group().rstrip(".,;:!?)]'")
        parts += [
            escape(text[end : found.start()]),
            Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(address),
        ]
        end = found.start() + len(address)
    return Markup("").join([*parts, escape(text[end:])])


def verdict(record: Record) -> str:
    """Whether all that must hold does. A replay of `then` is judged by its fault and its ledger alone."""
    if not record.checks:
        return "Not judged"
    if not record.well:
        return "Did not hold"
    return "Held" if record.variant == "now" else "Replayed"


def tone(record: Record) -> str:
    """The colour of the verdict: a key of SYMBOLS."""
    tones = {"Held": "good", "Replayed": "past", "Did not hold": "bad"}
    return tones.get(verdict(record), "unknown")


def of_phase(record: Record, phase: str, what: str) -> float | None:
    """`what` (p50, p99, longest) of the delays of a phase, in seconds; None where there was no letter."""
    delay = record.delays.get(phase)
    return None if delay is None or not delay.count else float(getattr(delay, what))


def longest(record: Record) -> float | None:
    """The longest delay of any bystander in seconds, whenever it was sent; None where there was no letter."""
    return max((delay.longest for delay in record.delays.values() if delay.count), default=None)


def refused(record: Record) -> int:
    """Letters refused for good, of all streams."""
    return sum(stream.refused for stream in record.streams)


def unexplained(record: Record) -> int:
    """Copies too many that no message in hand of what was killed explains."""
    return sum(max(0, stream.duplicated - stream.explained) for stream in record.streams)
