"""What the plots of a page have in common: the axes, and where the labels of events find room.

Two runs that are compared get one `Frame`: the same time, the same delay, the same rows for labels.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from drills.lib.model import FLOOR_SECONDS
from drills.lib.record import Event, Record

LABEL_POINTS = 8.0
MOST_LANES = 7
LOG_FROM = 20.0
"""Delays that differ more than so many times are drawn on a logarithmic scale."""

_LEAST_DELAY = 0.01
_MOST_LETTERS = 34
_GAP_INCHES = 0.06
_POINTS_IN_INCH = 72


@dataclass(frozen=True)
class Label:
    """What is written beside an event. lane: the row, from above. leftwards: whether it ends at its event."""

    at: float
    kind: str
    text: str
    lane: int
    leftwards: bool


@dataclass(frozen=True)
class Frame:
    """Axes: time from `left` to `right`, delay from `low` to `high`, both in seconds; `lanes` of labels."""

    left: float
    right: float
    low: float
    high: float
    log: bool
    lanes: int

    @classmethod
    def of(cls, *records: Record, width: float) -> "Frame":
        """One for all of `records`, in plots that are `width` inches wide."""
        moments = [moment for record in records for moment in _moments(record)]
        left, right = min(moments, default=0.0), max(moments, default=0.0)
        if right <= left:
            left, right = left - 1.0, right + 1.0
        low, high, log = _delays(
            value
            for record in records
            for window in record.windows
            for value in (window.p50, window.p99, window.longest)
        )
        lanes = max(
            (
                label.lane + 1
                for record in records
                for label in labels(record.events, left, (right - left) / width, width)
            ),
            default=0,
        )
        return cls(left, right, low, high, log, lanes)


def labels(events: Sequence[Event], left: float, seconds_in_inch: float, width: float) -> list[Label]:
    """Those that find room in the `width` inches from the moment `left` on, without touching one another.

    An event that comes again is labelled where it came first, with how often it came.
    """
    often = Counter(map(_text, events))
    rightwards: list[_Room] = []
    leftwards: list[_Room] = []
    for event in sorted(events, key=lambda one: one.at):
        if math.isfinite(event.at) and (many := often.pop(_text(event), 0)):
            kind, text = _text(event)
            text += f" \u00d7{many}" if many > 1 else ""
            at = (event.at - left) / seconds_in_inch
            long = inches(text) + _GAP_INCHES
            if at + long <= width:
                rightwards.append(_Room(Label(event.at, kind, text, 0, leftwards=False), at, at, at + long))
            elif at >= long:
                leftwards.append(_Room(Label(event.at, kind, text, 0, leftwards=True), at, at - long, at))
    placed: list[_Room] = []
    for wanted in [*rightwards, *reversed(leftwards)]:
        lanes = (replace(wanted, label=replace(wanted.label, lane=lane)) for lane in range(MOST_LANES))
        placed += [room for room in lanes if not any(room.touches(other) for other in placed)][:1]
    return [room.label for room in placed]


@dataclass(frozen=True)
class _Room:
    """A label with its place in inches: the line down to its event, and where its text begins and ends."""

    label: Label
    at: float
    begin: float
    end: float

    def touches(self, other: "_Room") -> bool:
        """Whether the texts overlap, or the line down from the upper one runs through the lower one."""
        if self.label.lane == other.label.lane:
            return self.begin - _GAP_INCHES < other.end and other.begin < self.end + _GAP_INCHES
        upper, lower = sorted((self, other), key=lambda one: one.label.lane)
        return lower.begin < upper.at < lower.end


def _text(event: Event) -> tuple[str, str]:
    says = " ".join("".join(letter if letter.isprintable() else " " for letter in event.says).split())
    says = says if len(says) <= _MOST_LETTERS else says[: _MOST_LETTERS - 1].rstrip(" ,.:;") + "…"
    return event.kind, says if event.well else f"{says}: failed"


def inches(text: str) -> float:
    """How wide `text` is as a label."""
    font = FontProperties(family="DejaVu Sans", size=LABEL_POINTS)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / _POINTS_IN_INCH


def _moments(record: Record) -> Iterable[float]:
    phases = record.phases
    given = [phases.first, phases.ended, phases.recovered, phases.last]
    given += [window.at for window in record.windows] + [event.at for event in record.events]
    return filter(math.isfinite, given)


def _delays(values: Iterable[float]) -> tuple[float, float, bool]:
    """Least and most of a scale for `values`, and whether it is logarithmic."""
    known = [max(value, _LEAST_DELAY) for value in values if math.isfinite(value)]
    low, high = min(known, default=_LEAST_DELAY), max(known, default=_LEAST_DELAY)
    if high > FLOOR_SECONDS and high / low > LOG_FROM:
        return low / 1.6, high * 1.6, True
    return 0.0, max(high * 1.1, FLOOR_SECONDS), False
