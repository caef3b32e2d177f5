"""New attempts for messages that were deferred, in batches, with every one of them accounted for.

`postqueue -i` is how: flush(8) moves the queue file from deferred to incoming, forgets what destinations
were thought dead, and qmgr(8) makes an attempt now. The message keeps its queue id, its age and what was
decided about it. `postsuper -r` would put it through cleanup(8) again: a new queue id, so that nobody can
say what became of it, another Received field, header checks that take our own verdict for a forged one,
and no milter that gives a new one. It serves what remembers an old route (August 2020); here routes are
looked up at each attempt, so there is nothing that it could mend. `postqueue -f` tries all at once.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from twinmx.addresses import fold, split
from twinmx.queues.lines import running
from twinmx.queues.reading import Message, QueueError, command, ended_well, read
from twinmx.queues.reasons import Reason, reason_of
from twinmx.queues.settings import Instance, InstanceName

ATTEMPT_SECONDS = 30.0
AT_ONCE = 8
"""Processes of postqueue; each waits some milliseconds for flush(8)."""

SETTLE_SECONDS = 10.0
"""How long the last attempts may take until the account is closed; what takes longer is under way."""

LOOK_EVERY_SECONDS = 0.25


class Key(NamedTuple):
    """One message: Postfix uses the identifiers of messages that are gone again."""

    identifier: str
    arrival: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deferred messages; `to` is an address or a domain, and one recipient that fits is enough."""

    older_seconds: float = 0.0
    reason: Reason | None = None
    to: str | None = None

    def fits(self, message: Message, instance: InstanceName, now: float) -> bool:
        """Whether `message` of `instance` is one of them."""
        if message.queue != "deferred" or now - message.arrival < self.older_seconds:
            return False
        return any(
            (self.to is None or self._is_to(recipient.address))
            and (self.reason is None or self._is_why(recipient.reason, instance))
            for recipient in message.recipients
        )

    def _is_to(self, address: str) -> bool:
        wanted = fold(self.to or "").removeprefix("@")
        return wanted == (fold(address) if "@" in wanted else fold(split(address)[1]))

    def _is_why(self, text: str | None, instance: InstanceName) -> bool:
        return text is not None and reason_of(text, instance) == self.reason


@dataclass(frozen=True, slots=True)
class Account:
    """What became of `matched` messages: it is the sum of gone, under_way, deferred and held.

    asked: an attempt was asked for. gone: sent, or returned to the sender, by this or by themselves.
    """

    matched: int
    asked: int
    gone: int
    under_way: int
    deferred: int
    held: int


async def find(instance: Instance, name: InstanceName, wanted: Wanted, read_seconds: float) -> list[Key]:
    """The messages of `instance` that are `wanted`, the oldest first; raises `QueueError`."""
    found: list[Key] = []
    now = time.time()

    def take(message: Message) -> None:
        if wanted.fits(message, name, now):
            found.append(Key(message.identifier, message.arrival))

    await read(instance, read_seconds, take)
    return sorted(found, key=lambda key: key.arrival)


async def attempt(
    instance: Instance, keys: Sequence[Key], batch: int, pause_seconds: float
) -> AsyncGenerator[int, None]:
    """Ask for an attempt for each of `keys`, so many at a time; yields how many were asked for since.

    Between batches it waits for half to one and a half times the pause: many hosts do not come together.
    Raises `QueueError` where Postfix does not take the wish; then no more are asked for.
    """
    for begin in range(0, len(keys), batch):
        if begin:
            await asyncio.sleep(pause_seconds * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        for first in range(begin, min(begin + batch, len(keys)), AT_ONCE):
            together = keys[first : min(first + AT_ONCE, begin + batch)]
            answers = await asyncio.gather(
                *(_ask(instance, key.identifier) for key in together), return_exceptions=True
            )
            yield sum(answer is None for answer in answers)
            for answer in answers:
                if answer is not None:
                    raise answer


async def account(instance: Instance, keys: Collection[Key], asked: int, read_seconds: float) -> Account:
    """Say what became of `keys`, once none is under way or some time has passed; raises `QueueError`."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        begun = time.monotonic()
        places = await _places(instance, frozenset(keys), read_seconds)
        deferred, held = places["deferred"], places["hold"]
        under_way = places.total() - deferred - held
        if not under_way or time.monotonic() >= deadline:
            gone = len(keys) - places.total()
            return Account(len(keys), asked, gone, under_way, deferred, held)
        await asyncio.sleep(max(LOOK_EVERY_SECONDS, time.monotonic() - begun))


async def _places(instance: Instance, keys: frozenset[Key], read_seconds: float) -> Counter[str]:
    """How many of `keys` are in which queue.

    showq(8) reads one queue after the other: a message on its way from a later to an earlier one is missed,
    so for those that are not there it is asked again.
    """
    where: dict[Key, str] = {}

    def take(message: Message) -> None:
        key = Key(message.identifier, message.arrival)
        if key in keys:
            where[key] = message.queue

    await read(instance, read_seconds, take)
    if len(where) < len(keys):
        seen = dict(where)
        await read(instance, read_seconds, take)
        where.update(seen)
    return Counter(where.values())


async def _ask(instance: Instance, identifier: str) -> None:
    try:
        async with asyncio.timeout(ATTEMPT_SECONDS):
            async with running(command(instance, "-i", identifier)) as process:
                await ended_well(process)
    except TimeoutError as error:
        raise QueueError(f"{identifier}: Postfix does not answer within {ATTEMPT_SECONDS:g} s") from error
    except OSError as error:
        raise QueueError(f"{identifier}: {error}") from error
