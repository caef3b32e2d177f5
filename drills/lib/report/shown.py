"""Which series a plot shows: those that were ever above 0, the largest by themselves, the rest together."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from drills.lib.record import Series
from drills.lib.report.palette import CURVES
from drills.lib.report.plots import at_moments, moments


@dataclass(frozen=True)
class Shown:
    """series: what is drawn. zero: labels of those that stayed at 0."""

    series: dict[str, Series]
    zero: list[str]

    @property
    def highest(self) -> float:
        """The highest sum at any moment: where a stack of them ends."""
        grid = moments(self.series)
        columns = [at_moments(points, grid) for points in self.series.values()]
        return max(map(sum, zip(*columns, strict=True)), default=0.0)


def shown(given: Mapping[str, Series]) -> Shown:
    """What to draw of `given`, in its order."""
    finite = {
        label: [(at, value) for at, value in points if math.isfinite(at) and math.isfinite(value)]
        for label, points in given.items()
    }
    drawn = {label: points for label, points in finite.items() if any(value for _, value in points)}
    zero = [label for label in given if label not in drawn]
    if len(drawn) <= CURVES:
        return Shown(drawn, zero)
    by_size = sorted(drawn, key=lambda label: -max(value for _, value in drawn[label]))
    largest = set(by_size[: CURVES - 1])
    rest = {label: points for label, points in drawn.items() if label not in largest}
    some = {label: points for label, points in drawn.items() if label in largest}
    return Shown(some | {f"the other {len(rest)} together": _sum(rest)}, zero)


def _sum(given: Mapping[str, Series]) -> Series:
    grid = moments(given)
    columns = [at_moments(points, grid) for points in given.values()]
    return [(at, float(sum(values))) for at, values in zip(grid, zip(*columns, strict=True), strict=True)]
