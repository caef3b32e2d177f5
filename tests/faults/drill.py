"""One drill: traffic flows, a fault is injected and repaired meanwhile, and the ledger is balanced."""

import asyncio
import random
import re
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab import ssh
from lab.ledger import Moment, Result, Seen, account
from lab.ledger_places import Places, settle
from lab.traffic import Journal, Load, Sent, compose, new_run, send_all
from lab.waiting import until
from lab.well import wait_until_whole
from tests.faults.hosts import MX1

SENDING_SECONDS = 300.0
SETTLE_SECONDS = 300.0
"""Postfix comes back to what it has deferred after a quarter of a minute, then at doubled ages."""


class UnavailableError(Exception):
    """The fault cannot be injected here; the text says why."""


class Drill:
    """What a case is given: the traffic to be in step with, and where it notes what it kills."""

    def __init__(self, load: Load, journal: Journal) -> None:
        self.load = load
        self.draw = random.Random(f"{load.seed} faults")
        self.moments: list[Moment] = []
        self.begun = threading.Event()
        self._journal = journal

    def until_sent(self, share: float) -> None:
        """Wait until `share` of the letters have been begun; the first wait begins the traffic."""
        self.begun.set()
        wanted = int(share * self.load.messages)
        until(lambda: len(self._journal.sent) >= wanted, SENDING_SECONDS, f"{wanted} letters begun")

    def shares(self, count: int) -> Iterator[int]:
        """`count` points in time spread over the traffic, from a tenth to eight tenths of it."""
        for number in range(count):
            self.until_sent(0.1 + 0.7 * number / count)
            yield number

    def last(self, seconds: float) -> None:
        """Let a fault last so long, whatever is sent meanwhile."""
        threading.Event().wait(seconds)

    def until_more(self, share: float) -> None:
        """Wait until `share` of the letters have been begun from now on, or there are no more."""
        begun = len(self._journal.sent) / self.load.messages
        self.until_sent(min(1.0, begun + share))

    @contextmanager
    def moment(self, what: str, slots: int) -> Iterator[None]:
        """What is in the block kills or cuts off something that can have `slots` messages in hand."""
        begun = time.time()
        try:
            yield
        finally:
            self.moments.append(Moment(begun, time.time(), slots, what))


@dataclass(frozen=True)
class Case:
    """A fault. inject: breaks something, and has repaired it when it returns, whatever happens."""

    name: str
    says: str
    inject: Callable[[Drill], None]
    core: bool = False
    """Whether it belongs to the short form that `make test` runs."""

    trace: str = ""
    """What the victim's journal or the senders' answers show of the fault (extended regular expression)."""


async def _run(case: Case, drill: Drill, letters: list[Sent], journal: Journal) -> None:
    def inject() -> None:
        try:
            case.inject(drill)
        finally:
            drill.begun.set()

    async def send() -> None:
        await asyncio.to_thread(drill.begun.wait)
        await send_all(letters, drill.load, journal)

    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(inject))
        group.create_task(send())


@dataclass(frozen=True)
class Carried:
    """A drill that is over: its balance, and what that was drawn from."""

    result: Result
    letters: list[Sent]
    seen: Seen


def run(case: Case, load: Load) -> Result:
    """Run `case` under `load` on a whole pair, and leave it whole.

    Raises UnavailableError where the fault cannot be had, LabError where a host does not come back.
    """
    return carry_out(case, load).result


def carry_out(case: Case, load: Load) -> Carried:
    """Do what `run` does, and keep every letter and where it was found."""
    wait_until_whole()
    name = new_run()
    journal = Journal(name)
    drill = Drill(load, journal)
    letters = compose(load, name)
    started = time.time()
    places = Places(name, started)
    try:
        asyncio.run(_run(case, drill, letters, journal))
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
    wait_until_whole()
    seen = settle(letters, places, SETTLE_SECONDS)
    result = account(case.name, load.seed, letters, seen, drill.moments)
    if case.trace and not _left_trace(case.trace, started, result):
        result.objections.append(f"the fault did not bite: {case.trace!r} was seen nowhere")
    return Carried(result, letters, seen)


def _left_trace(pattern: str, started: float, result: Result) -> bool:
    search = f"journalctl -q -o cat --since @{int(started)} | grep -Ec {shlex.quote(pattern)} || true"
    return int(ssh.on(MX1, search)) > 0 or any(re.search(pattern, answer) for answer in result.answers)
