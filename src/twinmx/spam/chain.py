"""The chain: engines in order, each joined by the next when its budget is spent, one total deadline.

The first answer wins and the others are dropped. An engine that fails is followed by the next at
once; one that is merely late goes on running, since its answer is still welcome. An engine that is out
(its breaker is open, or an operator has ordered so) costs no time at all.
"""

import asyncio
from collections.abc import Collection, Sequence

from twinmx.spam.engine import EngineError
from twinmx.spam.guard import GuardedEngine, Question
from twinmx.spam.metrics import SpamMetrics
from twinmx.spam.overrides import Watched
from twinmx.spam.sample import Context, Sample, normalise
from twinmx.spam.verdict import Scored, Unscanned, Verdict


class SpamChain:
    """Scans messages with several engines; `scan` always returns, and never raises but when cancelled."""

    def __init__(
        self,
        engines: Sequence[GuardedEngine],
        *,
        total_seconds: float,
        max_scan_bytes: int,
        overrides: Watched,
        metrics: SpamMetrics,
    ) -> None:
        self._engines = tuple(engines)
        self._total_seconds = total_seconds
        self._max_scan_bytes = max_scan_bytes
        self._overrides = overrides
        self._metrics = metrics

    async def scan(self, message: bytes, context: Context) -> Verdict:
        """Return the first answer within the total deadline, else why there is none."""
        race = _Race(normalise(message, self._max_scan_bytes), context, self._total_seconds)
        engines, skipped = self._line_up()
        try:
            verdict = await race.run(engines, skipped)
        finally:
            race.drop()
        if verdict is not None:
            return verdict
        self._metrics.unscanned.labels(race.reason_class if engines else "off").inc()
        return race.unscanned()

    async def close(self) -> None:
        """Let go of the engines' connections."""
        for engine in self._engines:
            await engine.close()

    def _line_up(self) -> tuple[Sequence[GuardedEngine], Collection[str]]:
        """Return the engines in the order of this moment, and the names of those not to ask."""
        orders = self._overrides.current()
        if not orders:
            return self._engines, ()
        skipped = [name for name, order in orders.items() if order.act == "skip"]
        first = [name for name, order in orders.items() if order.act == "use"]
        rank = {name: position for position, name in enumerate(first)}
        return sorted(self._engines, key=lambda engine: rank.get(engine.name, len(rank))), skipped


class _Race:
    """One message on its way through the engines."""

    def __init__(self, sample: Sample, context: Context, total_seconds: float) -> None:
        self._sample = sample
        self._context = context
        self._clock = asyncio.get_running_loop().time
        self._started_at = self._clock()
        self._deadline = self._started_at + total_seconds
        self._running: dict[asyncio.Task[object], Question] = {}
        self._failures: list[str] = []
        self.reason_class = "out"

    async def run(self, engines: Sequence[GuardedEngine], skipped: Collection[str]) -> Scored | None:
        """Return the first answer, or None at the deadline or when nobody is left to wait for."""
        for engine in engines:
            if engine.name in skipped or not engine.usable:
                why = "skipped" if engine.name in skipped else "open"
                self._failures.append(f"{engine.name}:{why}")
                continue
            self.reason_class = "failed"
            question = engine.ask(self._sample, self._context, hedge=bool(self._running))
            self._running[question.task] = question
            if verdict := await self._wait(self._clock() + engine.budget_seconds, question):
                return verdict
            if question.task in self._running:
                question.overdue()
        return await self._wait(self._deadline)

    def unscanned(self) -> Unscanned:
        """Return the verdict that there is none, with what became of each engine."""
        reason = ",".join(self._failures) or "no-engine"
        return Unscanned(reason, self._clock() - self._started_at)

    def drop(self) -> None:
        """Cancel who still runs, without waiting for it: the deadline holds whatever an engine does."""
        for question in self._running.values():
            self._failures.append(f"{question.guard.name}:{question.drop()}")
            self.reason_class = "late"
        self._running.clear()

    async def _wait(self, until: float, newest: Question | None = None) -> Scored | None:
        """Wait for an answer; None at `until`, at the deadline, or when `newest` (else all) failed."""
        until = min(until, self._deadline)
        while self._running and (newest is None or newest.task in self._running):
            left = until - self._clock()
            if left <= 0:
                return None
            done, _ = await asyncio.wait(self._running, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if verdict := self._judge(self._running.pop(task)):
                    return verdict
        return None

    def _judge(self, question: Question) -> Scored | None:
        engine = question.guard
        try:
            answer = question.answer()
        except EngineError as error:
            self._failures.append(f"{engine.name}:{error.kind}")
            return None
        if question.hedge:
            engine.count_hedge_won()
        return Scored(
            engine.name,
            round(answer.score, 2) + 0.0,  # -0.0 is 0.0 then
            tuple(answer.symbols),
            self._clock() - self._started_at,
            self._sample.partial,
        )
