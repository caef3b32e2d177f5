"""Spam chains for tests: engines that a test makes, guarded, with metrics that it can read."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from prometheus_client import CollectorRegistry

from twinmx.spam.chain import SpamChain
from twinmx.spam.engine import Answer, Engine, EngineError
from twinmx.spam.guard import GuardedEngine
from twinmx.spam.metrics import SpamMetrics
from twinmx.spam.overrides import Watched
from twinmx.spam.sample import Context, Sample
from twinmx.spam.verdict import Scored, Verdict

REJECT_SCORE = 15.0
MESSAGE = b"Subject: x\r\n\r\nno newline"
CONTEXT = Context("a@sender.example", ("b@alias.example",), "203.0.113.9", "out", "out.helo", "4bX")


class Bench:
    """Makes one chain, with what is counted about it."""

    def __init__(self, orders: Path) -> None:
        self.orders = orders
        self.registry = CollectorRegistry()
        self.chain: SpamChain | None = None

    def make(
        self,
        *engines: Engine,
        total: float = 1.0,
        concurrency: int = 5,
        failures: int = 5,
        open_seconds: float = 30,
    ) -> SpamChain:
        metrics = SpamMetrics(self.registry)
        self.chain = SpamChain(
            [
                GuardedEngine(
                    engine,
                    concurrency=concurrency,
                    failures=failures,
                    open_seconds=open_seconds,
                    reject_score=REJECT_SCORE,
                    metrics=metrics,
                )
                for engine in engines
            ],
            total_seconds=total,
            max_scan_bytes=1 << 16,
            overrides=Watched(self.orders, metrics.overrides_damaged.set),
            metrics=metrics,
        )
        return self.chain

    @property
    def outcomes(self) -> dict[tuple[str, str], float]:
        """How many questions to each engine ended how."""
        return {
            (sample.labels["engine"], sample.labels["outcome"]): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == "twinmx_spam_scans_total" and sample.value
        }

    def value(self, name: str, **labels: str) -> float:
        """A metric, 0 where nothing was counted yet."""
        return self.registry.get_sample_value(f"twinmx_spam_{name}", labels) or 0.0


class Held:
    """An engine in the hands of a test: `does` is what it does with a sample."""

    def __init__(self, does: Callable[[Sample], Awaitable[Answer]], name: str = "held", budget: float = 0.1):
        self.name, self.budget_seconds, self.does = name, budget, does
        self.asked: list[bytes] = []

    async def scan(self, sample: Sample, _context: Context) -> Answer:
        self.asked.append(sample.data)
        return await self.does(sample)

    async def close(self) -> None:
        pass


async def answers(_sample: Sample) -> Answer:
    return Answer(1.0, ["A"])


async def refuses(_sample: Sample) -> Answer:
    raise EngineError("refused", "nobody listens")


async def hangs(_sample: Sample) -> Answer:
    await asyncio.get_running_loop().create_future()
    raise AssertionError


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until `condition` holds, for 5 s at most."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is a metric, which sets no event
            await asyncio.sleep(0.005)


def said(verdict: Verdict) -> str:
    """The engine, or the reason why there is none."""
    return verdict.engine if isinstance(verdict, Scored) else verdict.reason
