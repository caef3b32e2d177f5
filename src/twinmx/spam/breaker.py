"""A circuit breaker (M. Nygard, "Release It!", chapter on stability patterns), one per engine and process.

Written here: the packaged ones wrap a call and count its exception, while a hedged question fails when
its budget is spent, and may still answer after that.
"""

from collections.abc import Callable
from enum import IntEnum


class State(IntEnum):
    """The numbers are those of the metric."""

    CLOSED = 0
    OPEN = 1
    HALF_OPEN = 2


class Breaker:
    """Opens after `failures` in a row; `changed` is told of each new state and decides when to try again.

    What was asked in an earlier state has no say: each question remembers the `epoch` it was asked in.
    """

    def __init__(self, failures: int, changed: Callable[[State], None]) -> None:
        self._failures = failures
        self._changed = changed
        self._in_a_row = 0
        self.state = State.CLOSED
        self.epoch = 0

    def succeeded(self, epoch: int) -> None:
        """Count an answer."""
        if epoch != self.epoch:
            return
        self._in_a_row = 0
        if self.state is not State.CLOSED:
            self._become(State.CLOSED)

    def failed(self, epoch: int) -> None:
        """Count a failure; in half-open one is enough."""
        if epoch != self.epoch:
            return
        self._in_a_row += 1
        if self.state is State.HALF_OPEN or self._in_a_row >= self._failures:
            self._become(State.OPEN)

    def half_open(self) -> None:
        """Let one question decide."""
        self._become(State.HALF_OPEN)

    def _become(self, state: State) -> None:
        self.state = state
        self.epoch += 1
        self._in_a_row = 0
        self._changed(state)
