"""The last hour of a figure, for a curve: bounded, whatever happens."""

import math
from collections import deque


class History:
    """The highest value of each period, since a peak is what one must not miss.

    Times are seconds of one clock that never goes back (`time.monotonic`).
    """

    def __init__(self, period_seconds: float = 30, seconds: float = 3600) -> None:
        self._period = period_seconds
        self._most = math.ceil(seconds / period_seconds)
        self._values: deque[float | None] = deque(maxlen=self._most)
        self._newest = 0

    def add(self, value: float, now: float) -> None:
        """Take in `value`, which may be infinite; NaN is no value."""
        if math.isnan(value):
            return
        period = int(now // self._period)
        if not self._values:
            self._newest = period
            self._values.append(value)
            return
        missed = min(period - self._newest, self._most)
        self._values.extend([None] * missed)
        self._newest = max(self._newest, period)
        known = self._values[-1]
        self._values[-1] = value if known is None else max(known, value)

    def points(self, now: float) -> list[tuple[float, float | None]]:
        """(age in seconds of the end of a period, its value or None), the oldest first."""
        first = self._newest - len(self._values) + 1
        ages = (max(0.0, now - (first + number + 1) * self._period) for number in range(len(self._values)))
        longest = self._period * self._most
        return [(age, value) for age, value in zip(ages, self._values, strict=True) if age < longest]
