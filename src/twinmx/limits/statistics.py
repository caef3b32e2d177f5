"""Who receives how much: the question that took hours in June 2021, answered by `mxctl top`.

Messages are added up in the worker by alias, mailbox, account and sender's domain, and handed to Valkey once
a second into hashes, one a minute and kind, which live two hours. A hash takes 1,000 names and adds the rest
up without them: who has one hundredth of the traffic is among them but for one case in 20,000, and memory
stays below 60 MB whatever strangers send.
"""

import asyncio
import contextlib
import time
from collections import Counter
from typing import Literal

from twinmx.limits.guarded import Guarded
from twinmx.limits.keys import Keys
from twinmx.limits.metrics import LimitMetrics
from twinmx.limits.store import Store

Kind = Literal["alias", "mailbox", "account", "sender"]
KINDS: tuple[Kind, ...] = ("alias", "mailbox", "account", "sender")
KEPT_MINUTES = 120
MOST_NAMES = 1000
FLUSH_SECONDS = 1.0
LONGEST_ABSENCE_SECONDS = 60.0
LONGEST_NAME = 320  # characters of an address (RFC 5321, 4.5.3.1); a stranger's text is cut there
RECEIVED, REFUSED = "+", "-"  # before the name; alone: of all names that found no room
NULL_SENDER = "<>"


def bucket(kind: Kind, minute: int) -> str:
    """The hash of one kind and one minute since the epoch."""
    return f"twinmx:top:{kind}:{minute}"


def minute_now() -> int:
    """Minutes since the epoch; the exchangers' clocks are kept together by NTP."""
    return int(time.time() // 60)


def domain_of(sender: str) -> str:
    """What a sender is counted under."""
    return sender.rpartition("@")[2].lower() or NULL_SENDER


class Statistics:
    """The numbers of the running second, and the task that hands them in. Messages never wait for it."""

    def __init__(self, store: Guarded, metrics: LimitMetrics) -> None:
        self._store = store
        self._metrics = metrics
        self._added: dict[Kind, Counter[str]] = {kind: Counter() for kind in KINDS}
        self._handed_in = time.monotonic()
        self._task = asyncio.create_task(self._hand_in_for_ever())

    def add(self, keys: Keys, account: str | None, sender: str, *, refused: bool, number: int = 1) -> None:
        """Count `number` messages of one recipient and one sender; a negative one takes back."""
        mark = REFUSED if refused else RECEIVED
        self._add("alias", mark, keys.alias, number)
        for mailbox in keys.mailboxes:
            self._add("mailbox", mark, mailbox, number)
        if account:
            self._add("account", mark, account, number)
        self._add("sender", mark, domain_of(sender), number)

    async def close(self) -> None:
        """Hand in what there is, if Valkey is there."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._hand_in()

    def _add(self, kind: Kind, mark: str, name: str, number: int) -> None:
        added = self._added[kind]
        field = f"{mark}{name[:LONGEST_NAME]}"
        if field not in added and len(added) >= MOST_NAMES:
            field = mark
        added[field] += number

    async def _hand_in_for_ever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._hand_in()

    async def _hand_in(self) -> None:
        now = time.monotonic()
        if self._store.away:
            if now - self._handed_in > LONGEST_ABSENCE_SECONDS:
                self._drop(self._take(), now)
            return
        added = self._take()
        if not any(added.values()) or await self._store.attempt(lambda store: _hand_over(store, added)):
            self._handed_in = now
        else:
            self._drop(added, now)  # it may have been taken, only late: better missing than counted twice

    def _take(self) -> dict[Kind, Counter[str]]:
        added, self._added = self._added, {kind: Counter() for kind in KINDS}
        return added

    def _drop(self, added: dict[Kind, Counter[str]], now: float) -> None:
        self._handed_in = now
        self._metrics.dropped.inc(max(0, added["alias"].total()))


async def _hand_over(store: Store, added: dict[Kind, Counter[str]]) -> None:
    minute = minute_now()
    for kind, numbers in added.items():
        if numbers:
            await store.add_up(bucket(kind, minute), MOST_NAMES, KEPT_MINUTES * 60, numbers)
