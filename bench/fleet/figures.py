"""What the samples say: ratios pair by pair, and what each further host adds."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.noop import Sample

LEAST_RATIO = 15.0
MOST_CPU = 0.3
"""The goals: Ansible's seconds to ours at every number of hosts; controller CPU seconds a further host."""


@dataclass(frozen=True)
class Pair:
    """Two runs, one right after the other, on the same hosts."""

    twinmx: Sample
    ansible: Sample

    @property
    def ratio(self) -> float:
        """How many times as long Ansible takes."""
        return self.ansible.seconds / self.twinmx.seconds


@dataclass(frozen=True)
class Spread:
    """The median of some figures, the least and the greatest of them."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> "Spread":
        """Of at least one figure."""
        known = list(figures)
        return cls(statistics.median(known), min(known), max(known))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f}…{self.greatest:.2f})"


Measured = Mapping[int, Sequence[Pair]]
"""Number of hosts → its pairs; as many of each."""


def per_host(measured: Measured, figure: Callable[[Pair], float]) -> Spread | None:
    """What each further host adds to `figure`: the slope of a least-squares line, once for each row of pairs.

    None with fewer than two numbers of hosts.
    """
    if len(measured) < 2:
        return None
    rows = zip(*measured.values(), strict=True)
    sizes = list(measured)
    return Spread.of(
        statistics.linear_regression(sizes, [figure(pair) for pair in row]).slope for row in rows
    )


def verdicts(measured: Measured) -> list[str]:
    """A line for each goal: what was reached, and whether that is enough."""
    lines = []
    for size, pairs in measured.items():
        ratio = Spread.of(pair.ratio for pair in pairs)
        met = "met" if ratio.median >= LEAST_RATIO else "MISSED"
        hosts = f"{size} host{'s' if size > 1 else ''}"
        lines.append(f"{hosts}: Ansible / twinmx {ratio}; goal {LEAST_RATIO:g} or more: {met}")
    if slope := per_host(measured, lambda pair: pair.twinmx.cpu):
        met = "met" if slope.median <= MOST_CPU else "MISSED"
        lines.append(f"controller CPU of a further host: {slope} s; goal {MOST_CPU:g} s or less: {met}")
    return lines
