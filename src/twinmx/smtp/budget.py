"""How many bytes of messages a process has in hand at once, all sessions together.

A message is in memory from its first byte until it is answered, and several times over while it is worked
on. Without a bound a few large ones at once are more than the process may have, and the kernel kills it
with all the others in it. Over the bound the client hears 452 and comes again: nothing waits here.
"""


class Budget:
    """At most `limit` bytes, but always one message, or a large one would never be taken."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0

    def share(self) -> "Share":
        """Return the share of one message, of no bytes yet."""
        return Share(self)

    def take(self, size: int, *, besides: int) -> bool:
        """Take `size` bytes for a message that has `besides` already, unless that is too much."""
        if self._used > besides and self._used + size > self._limit:
            return False
        self._used += size
        return True

    def give_back(self, size: int) -> None:
        """Have `size` bytes less in hand."""
        self._used -= size


class Share:
    """What one message has of a budget."""

    __slots__ = ("_budget", "_size")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0

    def grow(self, size: int) -> bool:
        """Have `size` bytes or more; False, and nothing changes, where the budget does not allow it."""
        if size <= self._size:
            return True
        if not self._budget.take(size - self._size, besides=self._size):
            return False
        self._size = size
        return True

    def give_back(self) -> None:
        """Have nothing any more."""
        self._budget.give_back(self._size)
        self._size = 0
