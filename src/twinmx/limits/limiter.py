"""The one question of the mail path: may this recipient take one more message now?

All windows of a message are decided in one atomic step in Valkey. While Valkey is away the worker decides
from its own memory, which it keeps up at all times, so that a flood that is on stays refused. A message
never waits longer than `wait_seconds` for Valkey, and after one failure none waits at all.
"""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from twinmx.limits.guarded import Guarded
from twinmx.limits.keys import Keys, Over, over
from twinmx.limits.local import LocalWindows
from twinmx.limits.metrics import LimitMetrics
from twinmx.limits.settings import Limits
from twinmx.limits.statistics import Statistics
from twinmx.limits.store import Store


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer for one message to one recipient, and what `Limiter.release` needs to take it back.

    `over` names the limit that refused it. `stamp` is when Valkey counted it (microseconds of its clock;
    None: it did not), `local` when the worker did (monotonic seconds).
    """

    over: Over | None
    keys: Keys
    account: str | None
    sender: str
    stamp: int | None = None
    local: float | None = None

    @property
    def allowed(self) -> bool:
        """Whether the message may be accepted."""
        return self.over is None


class Limiter:
    """Counts messages to aliases and mailboxes for one worker process; made inside its event loop."""

    def __init__(self, settings: Limits, password: str, registry: CollectorRegistry) -> None:
        self._metrics = LimitMetrics(registry)
        self._local = LocalWindows(settings.alias, settings.mailbox)
        self._store = Guarded(Store(settings, password), settings.valkey.wait_seconds, self._metrics)
        self._statistics = Statistics(self._store, self._metrics)

    async def admit(
        self,
        alias: str,
        mailboxes: Sequence[str],
        *,
        account: str | None,
        sender: str,
        bounce: bool = False,
    ) -> Admission:
        """Count a message to `alias`, or refuse it and count it nowhere. Never raises.

        alias, mailboxes: as the snapshot has them. sender: the envelope's sender, "" for the null sender.
        bounce: it comes home to a rewritten sender, for which there is a window of its own, a wider one.
        """
        began = time.monotonic()
        keys = Keys(alias, tuple(dict.fromkeys(mailboxes)), bounce)
        decided = await self._store.admit(keys)
        full = over(decided.window) if decided else self._local.over(keys, began)
        if full is None:
            self._local.count(keys, began)
        self._statistics.add(keys, account, sender, refused=full is not None)
        place = "valkey" if decided else "local"
        self._metrics.decided(full or "allowed", place, time.monotonic() - began)
        stamp = decided.stamp if decided else None
        return Admission(full, keys, account, sender, stamp, None if full else began)

    async def release(self, admission: Admission) -> None:
        """Take back an allowed message that was not accepted after all; once. Never raises."""
        if admission.local is None:
            return
        self._local.take_back(admission.keys, admission.local)
        self._statistics.add(admission.keys, admission.account, admission.sender, refused=False, number=-1)
        if admission.stamp is not None:
            await self._store.take_back(admission.keys, admission.stamp)

    async def close(self) -> None:
        """Hand in the last statistics and disconnect. Never raises."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._store.close)
            stack.push_async_callback(self._statistics.close)
