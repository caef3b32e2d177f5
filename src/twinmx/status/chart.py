"""Curves of the last hour as paths of SVG, one for each host, on a common scale.

The drawing is stretched to the width of the page, so it holds no text: labels are HTML beside it.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twinmx.status.view import LOST, Points

WIDTH, HEIGHT = 720, 120
SECONDS = 3600
_COLUMNS = 180
"""More points than columns fall together, and the highest of each column is drawn."""

_FRESH = 6
"""Columns, two minutes."""

_HIGHEST = 1e9
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Curve:
    """One host's. path, lost: SVG path data; lost has a mark for each message that did not arrive.

    last: the newest value, unless that is minutes old.
    """

    host: str
    path: str
    lost: str
    last: str
    highest: str
    losses: int


@dataclass(frozen=True)
class Chart:
    """Curves and their scale. labels: from top to bottom. threshold: where its line is, if in sight.

    losses: whether there are marks of lost messages to be explained.
    """

    title: str
    says: str
    curves: Sequence[Curve]
    labels: Sequence[str]
    threshold: float | None
    losses: bool


def chart(
    title: str,
    says: str,
    hosts: Sequence[tuple[str, Points]],
    worded: Callable[[float | None], str],
    least_top: float,
    threshold: float | None,
) -> Chart:
    """The curves of `hosts`; the scale goes from 0 to `least_top` or above, and shows a near threshold."""
    finite = [value for _, points in hosts for value in _columns(points).values() if value != LOST]
    highest = max(finite, default=0.0)
    if threshold is not None and threshold <= 2 * highest:
        highest = max(highest, threshold)
    top = _round_up(max(highest, least_top))
    curves = [_curve(name, points, top, worded) for name, points in hosts]
    return Chart(
        title=title,
        says=says,
        curves=curves,
        labels=[worded(top), worded(top / 2), worded(0)],
        threshold=_y(threshold, top) if threshold is not None and threshold <= top else None,
        losses=any(curve.lost for curve in curves),
    )


def _columns(points: Points) -> dict[int, float]:
    """The highest value of each column that has one."""
    found: dict[int, float] = {}
    for age, value in points:
        if value is None or math.isnan(value) or not 0 <= age <= SECONDS:
            continue
        column = round(_COLUMNS * (1 - age / SECONDS))
        shown = value if value == LOST else min(max(value, 0.0), _HIGHEST)
        found[column] = max(found.get(column, 0.0), shown)
    return found


def _curve(name: str, points: Points, top: float, worded: Callable[[float | None], str]) -> Curve:
    columns = _columns(points)
    finite = {column: value for column, value in sorted(columns.items()) if value != LOST}
    lost = sorted(column for column, value in columns.items() if value == LOST)
    last = next(
        (columns[column] for column in range(_COLUMNS, _COLUMNS - _FRESH, -1) if column in columns), None
    )
    return Curve(
        host=name,
        path=_path(finite, top, _usual_step(columns)),
        lost="".join(f"M{_x(column):g} 0v14" for column in lost),
        last="lost" if last == LOST else worded(last),
        highest=worded(max(finite.values(), default=None)),
        losses=sum(age <= SECONDS and value == LOST for age, value in points),
    )


def _usual_step(columns: dict[int, float]) -> int:
    """Columns between two values, as a rule: a longer step is a gap."""
    known = sorted(columns)
    steps = sorted(after - before for before, after in itertools.pairwise(known))
    return steps[len(steps) // 2] if steps else 1


def _path(columns: dict[int, float], top: float, step: int) -> str:
    parts: list[str] = []
    before: int | None = None
    for column, value in columns.items():
        joined = before is not None and column - before <= 2 * step
        # h0 makes a dot of a value that stands alone
        parts.append(f"{'L' if joined else 'M'}{_x(column):g} {_y(value, top):g}{'' if joined else 'h0'}")
        before = column
    return "".join(parts)


def _x(column: int) -> float:
    return WIDTH * column / _COLUMNS


def _y(value: float, top: float) -> float:
    return round(HEIGHT * (1 - value / top), 1)


def _round_up(value: float) -> float:
    """The next of … 1, 2, 5, 10, 20, 50 …"""
    base = 10.0 ** math.floor(math.log10(value))
    return next((step * base for step in _STEPS if step * base >= value), 10 * base)
