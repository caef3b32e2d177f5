"""A queue in a few figures, added up message by message."""

from collections import Counter

from twinmx.queues.reading import Message
from twinmx.queues.reasons import Reason, reason_of
from twinmx.queues.settings import InstanceName

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")
OLDER_THAN = (60, 300, 1800, 7200, 86400)
"""Seconds."""


class Summary:
    """What `instance` held at `now` (seconds since 1970).

    messages: by queue. oldest: seconds, by queue. older: messages by queue and age in seconds. deferred:
    messages of the deferred queue, each once, by the reason of its first recipient that has one.
    """

    def __init__(self, instance: InstanceName, now: float) -> None:
        self.messages: Counter[str] = Counter()
        self.oldest: dict[str, float] = {}
        self.older: Counter[tuple[str, int]] = Counter()
        self.deferred: Counter[Reason] = Counter()
        self._instance = instance
        self._now = now

    def add(self, message: Message) -> None:
        """Count `message`."""
        queue = message.queue
        age = max(0.0, self._now - message.arrival)
        self.messages[queue] += 1
        self.oldest[queue] = max(age, self.oldest.get(queue, 0.0))
        for seconds in OLDER_THAN:
            if age > seconds:
                self.older[queue, seconds] += 1
        if queue == "deferred":
            self.deferred[self._reason(message)] += 1

    def _reason(self, message: Message) -> Reason:
        told = (recipient.reason for recipient in message.recipients if recipient.reason)
        text = next(told, None)
        return reason_of(text, self._instance) if text else "other"
