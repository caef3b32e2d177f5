"""Figures of the programs, as they expose them, and how much a counter has grown in a window."""

import math
from collections import defaultdict, deque
from collections.abc import Collection, Mapping

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
Key = tuple[str, str]


class Samples:
    """The samples of one program: (name, labels) → value."""

    def __init__(self, values: Mapping[tuple[str, Labels], float]) -> None:
        self._values = values

    @classmethod
    def parse(cls, text: str, names: Collection[str]) -> "Samples":
        """Read the lines of `names` in the text format of Prometheus; raises `ValueError`.

        Only those: a worker has hundreds of others, and the parser is slow.
        """
        wanted = "".join(
            f"{line}\n" for line in text.splitlines() if line.partition(" ")[0].partition("{")[0] in names
        )
        return cls(
            {
                (sample.name, frozenset(sample.labels.items())): float(sample.value)
                for family in text_string_to_metric_families(wanted)
                for sample in family.samples
            }
        )

    def of(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """The samples called `name` which have at least `labels`: all their labels, and the value."""
        asked = frozenset(labels.items())
        return [
            (dict(found), value)
            for (sample, found), value in self._values.items()
            if sample == name and found >= asked
        ]

    def by(self, name: str, label: str, other: str = "") -> dict[Key, float]:
        """The finite samples called `name`, by the values of one or two of their labels."""
        return {
            (labels.get(label, ""), labels.get(other, "")): value
            for labels, value in self.of(name)
            if math.isfinite(value)
        }

    def total(self, name: str, **labels: str) -> float | None:
        """The sum of those; None where there is none."""
        values = [value for _, value in self.of(name, **labels)]
        return sum(values) if values else None


class Window:
    """How much counters of one or several programs have grown within the last `seconds`, in all."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: dict[str, Mapping[Key, float]] = {}
        self._grown: deque[tuple[float, dict[Key, float]]] = deque()

    def take(self, at: float, program: str, counters: Mapping[Key, float]) -> None:
        """Take in the counters of `program` as they are `at`.

        One that is smaller than before has begun again at 0, and so has one that was not there before. Of a
        program that is seen for the first time nothing is known to have grown.
        """
        before = self._last.get(program)
        self._last[program] = counters
        if before is None:
            return
        grown = {}
        for key, value in counters.items():
            then = before.get(key, 0.0)
            if value != then:
                grown[key] = value - then if value > then else value
        self._grown.append((at, grown))

    def growth(self, at: float) -> dict[Key, float]:
        """How much each counter that has grown has done so until `at`, all programs together."""
        while self._grown and self._grown[0][0] <= at - self._seconds:
            self._grown.popleft()
        total: dict[Key, float] = defaultdict(float)
        for _, grown in self._grown:
            for key, value in grown.items():
                total[key] += value
        return dict(total)
