"""An engine behind its guards: as many questions at once as it bears, and none while it is out.

A message waits for a slot only where one is likely to come within the engine's budget: a longer queue
before a slow engine is the delay of 2020 again. An engine that is out is tried with a small message of
our own, so it comes back without traffic, and nobody's mail waits for the attempt. The first try comes
soon, since a restart takes seconds; each failed one doubles the time to the next. An engine that takes
that message for spam has failed (`voucher`).
"""

import asyncio

import structlog

from twinmx.spam.breaker import Breaker, State
from twinmx.spam.engine import Answer, Engine, EngineError
from twinmx.spam.metrics import SpamMetrics
from twinmx.spam.sample import Context, Sample
from twinmx.spam.voucher import Voucher

_FIRST_PAUSE = 1.0  # seconds
_SMOOTHING = 8


class GuardedEngine:
    """An engine with its breaker, its slots and its metrics."""

    def __init__(
        self,
        engine: Engine,
        *,
        concurrency: int,
        failures: int,
        open_seconds: float,
        reject_score: float,
        metrics: SpamMetrics,
    ) -> None:
        self.name = engine.name
        self.budget_seconds = engine.budget_seconds
        self._engine = engine
        self._voucher = Voucher(engine, reject_score)
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._waiting = 0
        self._usual_seconds = 0.0
        self._answered_at = float("-inf")
        self._open_seconds = open_seconds
        self._pause = min(_FIRST_PAUSE, open_seconds)
        self._metrics = metrics
        self._seconds = metrics.seconds.labels(self.name)
        self._scored = metrics.scans.labels(self.name, "ok")
        self._state = metrics.breaker_state.labels(self.name)
        self._timer: asyncio.TimerHandle | None = None
        self._probe: asyncio.Task[None] | None = None
        self.breaker = Breaker(failures, self._on_state)

    @property
    def usable(self) -> bool:
        """Whether messages are shown to it."""
        return self.breaker.state is State.CLOSED

    def ask(self, sample: Sample, context: Context, *, hedge: bool) -> "Question":
        """Put a question, as a task; `hedge` where another engine is still being waited for."""
        if hedge:
            self._metrics.hedges.labels(self.name).inc()
        return Question(self, sample, context, hedge=hedge)

    async def scan(self, question: "Question", sample: Sample, context: Context) -> Answer:
        """Wait for a slot, then for the engine; raises `EngineError`, `busy` where too many wait."""
        if self._waiting * self._usual_seconds > self._concurrency * self.budget_seconds:
            raise EngineError("busy", f"{self._waiting} messages wait for it already")
        waits = self._slots.locked()
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            question.scanning_since = asyncio.get_running_loop().time() if waits else question.asked_at
            answer = await self._engine.scan(sample, context)
            await self._voucher.vouch(answer.score)
        finally:
            self._slots.release()
        return answer

    def failed(self, epoch: int) -> None:
        """Take note of a failure of this `epoch` of the breaker."""
        self._voucher.forget()
        self.breaker.failed(epoch)

    def count(self, outcome: str, seconds: float) -> None:
        """Count the end of a question."""
        if outcome == "ok":
            self._scored.inc()
        else:
            self._metrics.scans.labels(self.name, outcome).inc()
        if outcome not in ("dropped", "busy"):
            self._seconds.observe(seconds)

    def took(self, seconds: float) -> None:
        """Learn how long the engine itself takes (a moving average)."""
        self._usual_seconds += (seconds - self._usual_seconds) / _SMOOTHING

    def answered(self) -> None:
        """Take note that it has answered somebody just now."""
        self._answered_at = asyncio.get_running_loop().time()

    def silent_since(self, moment: float) -> bool:
        """Whether it has answered nobody since then (seconds of the loop's clock)."""
        return self._answered_at < moment

    def count_hedge_won(self) -> None:
        """Count a verdict that a hedge has given."""
        self._metrics.hedges_won.labels(self.name).inc()

    async def close(self) -> None:
        """Stop trying, let go of connections."""
        if self._timer:
            self._timer.cancel()
        if self._probe:
            self._probe.cancel()
        await self._engine.close()

    def _on_state(self, state: State) -> None:
        self._state.set(state)
        structlog.get_logger().warning(
            "spam engine", engine=self.name, breaker=state.name.lower().replace("_", "-")
        )
        if state is State.OPEN:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._half_open)
            self._pause = min(2 * self._pause, self._open_seconds)
        elif state is State.CLOSED:
            self._pause = min(_FIRST_PAUSE, self._open_seconds)

    def _half_open(self) -> None:
        self.breaker.half_open()
        self._probe = asyncio.create_task(self._try())

    async def _try(self) -> None:
        epoch = self.breaker.epoch
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        outcome = "ok"
        try:
            async with asyncio.timeout(self.budget_seconds):
                await self._voucher.ask()
        except TimeoutError:
            outcome = "late"
        except EngineError as error:
            outcome = error.kind
        except Exception as error:
            outcome = type(error).__name__
        self.count(outcome, loop.time() - asked_at)
        if outcome == "ok":
            self.breaker.succeeded(epoch)
        else:
            self.failed(epoch)


class Question:
    """One engine asked about one message, from the question to the answer or the end of the wait."""

    __slots__ = (
        "_clock",
        "_counted",
        "_epoch",
        "asked_at",
        "guard",
        "hedge",
        "scanning_since",
        "task",
    )

    def __init__(self, guard: GuardedEngine, sample: Sample, context: Context, *, hedge: bool) -> None:
        self.guard = guard
        self.hedge = hedge
        self.scanning_since: float | None = None
        self._clock = asyncio.get_running_loop().time
        self._epoch = guard.breaker.epoch
        self._counted = False
        self.asked_at = self._clock()
        self.task = asyncio.create_task(guard.scan(self, sample, context))

    def overdue(self) -> None:
        """Take note that the budget is spent."""
        if not self._counted and self._is_late():
            self._counted = True
            self.guard.failed(self._epoch)

    def answer(self) -> Answer:
        """Return what the finished task brought; raises `EngineError` for whatever else it was."""
        outcome = "ok"
        try:
            return self.task.result()
        except EngineError as error:
            outcome = error.kind
            raise
        except Exception as error:
            outcome = type(error).__name__
            raise EngineError(outcome, str(error)) from error
        finally:
            self.guard.count(outcome, self._clock() - self.asked_at)
            if outcome == "ok":
                self.guard.answered()
                self.guard.took(self._own_seconds())
                self.guard.breaker.succeeded(self._epoch)
            elif outcome != "busy":
                self.guard.failed(self._epoch)

    def drop(self) -> str:
        """Cancel it without waiting for the end; returns what it was: late, busy or merely dropped."""
        self.task.cancel()
        self.overdue()
        seconds = self._clock() - self.asked_at
        outcome = "dropped"
        if seconds >= self.guard.budget_seconds:
            outcome = "late" if self._is_late() else "busy"
        if outcome == "late":
            self.guard.took(max(self._own_seconds(), self.guard.budget_seconds))
        self.guard.count(outcome, seconds)
        return outcome

    def _is_late(self) -> bool:
        """Whether the engine is late, and not just busy: it had the budget for this question, or it has
        answered nobody while this one waited. Else of a silent engine those who hold its slots would count
        alone, and those who wait behind them would keep it in.
        """
        budget = self.guard.budget_seconds
        if self._own_seconds() >= budget:
            return True
        return self._clock() - self.asked_at >= budget and self.guard.silent_since(self.asked_at)

    def _own_seconds(self) -> float:
        return 0.0 if self.scanning_since is None else self._clock() - self.scanning_since
