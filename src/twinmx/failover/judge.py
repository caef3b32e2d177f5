"""Single readings made into evidence: a rule counts after consecutive bad periods, and so does its end.

A reading is True for bad, False for good, and None where nothing could be read that the rule goes by; that
is no evidence, so it counts like a good one. Where silence itself is bad, the rule's reading says so.
"""

from collections.abc import Collection, Mapping


class Streak:
    """One rule: how many periods it has been bad, or good, in a row."""

    def __init__(self, periods: int, good_periods: int, *, bad: bool = False) -> None:
        self._periods = periods
        self._good_periods = good_periods
        self._run = 0
        self.bad = bad
        self.now = False

    def take(self, reading: bool | None) -> None:
        """Take in the reading of one period."""
        self.now = reading is True
        self._run = 0 if self.now == self.bad else self._run + 1
        if self._run >= (self._good_periods if self.bad else self._periods):
            self.bad = not self.bad
            self._run = 0


class Judge:
    """The streaks of several rules. `bad` names those that are bad already."""

    def __init__(self, periods: Mapping[str, int], good_periods: int, bad: Collection[str] = ()) -> None:
        self._streaks = {
            rule: Streak(number, good_periods, bad=rule in bad) for rule, number in periods.items()
        }
        self.good_for = 0

    def take(self, readings: Mapping[str, bool | None]) -> None:
        """Take in one period; a rule without a reading has None."""
        for rule, streak in self._streaks.items():
            streak.take(readings.get(rule))
        self.good_for = 0 if any(streak.now for streak in self._streaks.values()) else self.good_for + 1

    @property
    def bad(self) -> frozenset[str]:
        """The rules that have been bad for their number of periods and not good again for theirs."""
        return frozenset(rule for rule, streak in self._streaks.items() if streak.bad)

    @property
    def suspect(self) -> frozenset[str]:
        """Those, and the ones that are bad in this period."""
        return frozenset(rule for rule, streak in self._streaks.items() if streak.bad or streak.now)
