"""The same windows in the worker's own memory, for the time in which Valkey is away.

They are kept up while Valkey is well too (3 microseconds a message), so that a flood that is on stays
refused when Valkey goes. Each worker allows the whole limit by itself: together they allow more than
Valkey would, and never refuse what it would have taken.
"""

from collections import OrderedDict

from twinmx.limits.keys import Keys, Over
from twinmx.limits.settings import Window, bounces

MOST_NAMES = 20_000  # of each kind; some 6 MB when full


class Windows:
    """Sliding windows by name; the name that was quiet longest is forgotten first."""

    def __init__(self, window: Window, most: int = MOST_NAMES) -> None:
        self._limit = window.count
        self._length = window.window_seconds
        self._most = most
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    def full(self, name: str, now: float) -> bool:
        """Whether one more message would be over the limit; `now` in monotonic seconds."""
        times = self._times.get(name)
        return times is not None and len(times) >= self._limit and times[-self._limit] > now - self._length

    def count(self, name: str, now: float) -> None:
        """Count a message."""
        times = self._times.setdefault(name, [])
        times.append(now)
        if len(times) > self._limit:
            del times[0]
        self._times.move_to_end(name)
        self._forget(now)

    def take_back(self, name: str, counted: float) -> None:
        """Take the message out that was counted at `counted`."""
        times = self._times.get(name, [])
        if counted in times:
            times.remove(counted)
        if not times:
            self._times.pop(name, None)

    def _forget(self, now: float) -> None:
        while len(self._times) > 1:
            name, times = next(iter(self._times.items()))
            if times[-1] > now - self._length and len(self._times) <= self._most:
                return
            del self._times[name]


class LocalWindows:
    """The windows of all aliases, all mailboxes, and of the bounces to rewritten senders."""

    def __init__(self, alias: Window, mailbox: Window, most: int = MOST_NAMES) -> None:
        self._alias = Windows(alias, most)
        self._mailbox = Windows(mailbox, most)
        self._bounce = Windows(bounces(alias), most)

    def over(self, keys: Keys, now: float) -> Over | None:
        """Which limit one more message would be over; None where it fits."""
        if self._recipient(keys).full(keys.alias, now):
            return "alias"
        if any(self._mailbox.full(mailbox, now) for mailbox in keys.mailboxes):
            return "mailbox"
        return None

    def count(self, keys: Keys, now: float) -> None:
        """Count a message in each of its windows."""
        self._recipient(keys).count(keys.alias, now)
        for mailbox in keys.mailboxes:
            self._mailbox.count(mailbox, now)

    def take_back(self, keys: Keys, counted: float) -> None:
        """Take a message out of each of its windows."""
        self._recipient(keys).take_back(keys.alias, counted)
        for mailbox in keys.mailboxes:
            self._mailbox.take_back(mailbox, counted)

    def _recipient(self, keys: Keys) -> Windows:
        return self._bounce if keys.bounce else self._alias
