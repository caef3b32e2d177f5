"""Who waits in a queue, and for how long: recipients counted by one question and by age.

The idea is qshape(1)'s, which knows domains only: here it is also aliases, accounts, mailboxes and reasons.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from twinmx.addresses import fold, split
from twinmx.aliases.snapshot import Snapshot
from twinmx.queues.reading import Message, Recipient
from twinmx.queues.reasons import reason_of
from twinmx.queues.settings import InstanceName
from twinmx.queues.summary import QUEUES

By = Literal["alias", "account", "mailbox", "destination", "reason", "age"]
KNOWN: dict[InstanceName, tuple[By, ...]] = {
    "in": ("alias", "account", "mailbox", "destination", "reason", "age"),
    "out": ("destination", "mailbox", "reason", "age"),
}
"""What can be asked of an instance, the usual question first: behind the forwarder nobody knows the alias."""

UNTRIED = "no attempt failed"
NO_ALIAS = "(no alias)"
NO_ACCOUNT = "(no account)"

_UNTIL = (
    ("<1m", 60),
    ("<5m", 300),
    ("<15m", 900),
    ("<1h", 3600),
    ("<4h", 14_400),
    ("<1d", 86_400),
    ("<3d", 259_200),
)
OLDEST = "3d+"
AGES = (*(name for name, _ in _UNTIL), OLDEST)

Names = Callable[[Message, Recipient], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """How many recipients wait under `name`: `counts` by column."""

    name: str
    counts: Counter[str]

    @property
    def total(self) -> int:
        """All of them."""
        return self.counts.total()


class Waiting:
    """Counts what waits in `instance` at `now`; a recipient whose alias has two mailboxes waits for both."""

    def __init__(self, instance: InstanceName, by: By, now: float, snapshot: Snapshot) -> None:
        self.messages = 0
        self.columns = QUEUES if by == "age" else AGES
        self._by = by
        self._now = now
        self._names = _names(instance, by, snapshot, self._age)
        self._rows: dict[str, Counter[str]] = {}

    def add(self, message: Message) -> None:
        """Count `message`; raises `SnapshotError` where aliases cannot be looked up."""
        self.messages += 1
        column = message.queue if self._by == "age" else self._age(message)
        for recipient in message.recipients:
            for name in self._names(message, recipient):
                self._rows.setdefault(name, Counter())[column] += 1

    def rows(self) -> list[Row]:
        """The most first; ages in their order."""
        rows = [Row(name, counts) for name, counts in self._rows.items()]
        if self._by == "age":
            return sorted(rows, key=lambda row: AGES.index(row.name))
        return sorted(rows, key=lambda row: (-row.total, row.name))

    def _age(self, message: Message) -> str:
        seconds = self._now - message.arrival
        return next((name for name, until in _UNTIL if seconds < until), OLDEST)


def summed(rows: Iterable[Row], name: str) -> Row:
    """One row for all of `rows`."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row.counts)
    return Row(name, total)


def _names(instance: InstanceName, by: By, snapshot: Snapshot, age_of: Callable[[Message], str]) -> Names:
    """How recipients of `instance` are named."""

    def mailboxes(recipient: Recipient) -> Iterator[str]:
        alias = snapshot.lookup(recipient.address)
        yield from alias.mailboxes_in_use if alias else (NO_ALIAS,)

    def account(recipient: Recipient) -> str:
        alias = snapshot.lookup(recipient.address)
        return (alias.account or NO_ACCOUNT) if alias else NO_ALIAS

    def reason(recipient: Recipient) -> str:
        return reason_of(recipient.reason, instance) if recipient.reason else UNTRIED

    known: dict[By, Names] = {
        "alias": lambda _, recipient: (fold(recipient.address),),
        "account": lambda _, recipient: (account(recipient),),
        "mailbox": lambda _, recipient: (
            mailboxes(recipient) if instance == "in" else (fold(recipient.address),)
        ),
        "destination": lambda _, recipient: (fold(split(recipient.address)[1]),),
        "reason": lambda _, recipient: (reason(recipient),),
        "age": lambda message, _: (age_of(message),),
    }
    return known[by]
