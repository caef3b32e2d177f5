"""The chain: engines in order, each joined by the next when its budget is spent, one total deadline.

The first answer wins and the others are dropped. An engine that fails is followed by the next at
once; one that is merely late goes on running, since its answer is still welcome.
"""

import asyncio
from collections.abc import Callable, Sequence

from twinmx.spam.engine import Answer, Engine, EngineError
from twinmx.spam.sample import Context, Sample, normalise
from twinmx.spam.verdict import Scored, Unscanned, Verdict

Observer = Callable[[str, str, float], None]
"""Told for each engine asked: its name, the outcome (ok, late, dropped or a failure's kind), the seconds."""


class SpamChain:
    """Scans messages with several engines; `scan` always returns, and never raises but when cancelled."""

    def __init__(
        self,
        engines: Sequence[Engine],
        *,
        total_seconds: float,
        max_scan_bytes: int,
        observe: Observer,
    ) -> None:
        self._engines = tuple(engines)
        self._total_seconds = total_seconds
        self._max_scan_bytes = max_scan_bytes
        self._observe = observe

    async def scan(self, message: bytes, context: Context) -> Verdict:
        """Return the first answer within the total deadline, else why there is none."""
        race = _Race(normalise(message, self._max_scan_bytes), context, self._observe)
        try:
            async with asyncio.timeout(self._total_seconds):
                return await race.run(self._engines)
        except TimeoutError:
            return race.unscanned()

    async def close(self) -> None:
        """Let go of the engines' connections."""
        for engine in self._engines:
            await engine.close()


class _Race:
    """One message on its way through the engines."""

    def __init__(self, sample: Sample, context: Context, observe: Observer) -> None:
        self._sample = sample
        self._context = context
        self._observe = observe
        self._clock = asyncio.get_running_loop().time
        self._started_at = self._clock()
        self._running: dict[asyncio.Task[Answer], tuple[Engine, float]] = {}
        self._failures: list[str] = []

    async def run(self, engines: Sequence[Engine]) -> Verdict:
        try:
            for position, engine in enumerate(engines):
                task = asyncio.create_task(engine.scan(self._sample, self._context))
                self._running[task] = (engine, self._clock())
                is_last = position == len(engines) - 1
                verdict = await self._wait(task, None if is_last else engine.budget_seconds)
                if verdict is not None:
                    return verdict
            return self.unscanned()
        finally:
            self._drop()

    def unscanned(self) -> Unscanned:
        """Return the verdict that there is none, with what became of each engine."""
        reason = ",".join(self._failures) or "no-engine"
        return Unscanned(reason, self._clock() - self._started_at)

    async def _wait(self, newest: asyncio.Task[Answer], seconds: float | None) -> Verdict | None:
        """Wait for an answer; None when the next engine's turn has come."""
        until = None if seconds is None else self._clock() + seconds
        while self._running and (until is None or newest in self._running):
            left = None if until is None else until - self._clock()
            done, _ = await asyncio.wait(self._running, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                return None
            for task in done:
                if verdict := self._judge(task):
                    return verdict
        return None

    def _judge(self, task: asyncio.Task[Answer]) -> Verdict | None:
        engine, asked_at = self._running.pop(task)
        seconds = self._clock() - asked_at
        try:
            answer = task.result()
        except EngineError as error:
            kind = error.kind
        except Exception as error:
            kind = type(error).__name__
        else:
            self._observe(engine.name, "ok", seconds)
            return Scored(
                engine.name,
                answer.score,
                tuple(answer.symbols),
                self._clock() - self._started_at,
                self._sample.partial,
            )
        self._observe(engine.name, kind, seconds)
        self._failures.append(f"{engine.name}:{kind}")
        return None

    def _drop(self) -> None:
        """Cancel who still runs, without waiting for it: the deadline holds whatever an engine does."""
        for task, (engine, asked_at) in self._running.items():
            task.cancel()
            seconds = self._clock() - asked_at
            kind = "late" if seconds >= engine.budget_seconds else "dropped"
            self._observe(engine.name, kind, seconds)
            self._failures.append(f"{engine.name}:{kind}")
        self._running.clear()
