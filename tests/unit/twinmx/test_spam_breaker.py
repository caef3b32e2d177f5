"""An engine that fails again and again is left alone for a while, and comes back by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.unit.twinmx.spamming import CONTEXT, MESSAGE, Bench, Held, answers, hangs, refuses, said, until
from twinmx.spam.breaker import Breaker, State
from twinmx.spam.engine import Answer
from twinmx.spam.sample import Sample
from twinmx.spam.verdict import Unscanned


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "engines.json")
    yield bench
    assert bench.chain
    await bench.chain.close()


def breaker(failures: int = 2) -> tuple[Breaker, list[State]]:
    seen: list[State] = []
    return Breaker(failures, seen.append), seen


def test_it_opens_after_failures_in_a_row_alone() -> None:
    made, seen = breaker()
    made.failed(made.epoch)
    made.succeeded(made.epoch)
    made.failed(made.epoch)
    assert made.state is State.CLOSED
    made.failed(made.epoch)
    assert seen == [State.OPEN]


@pytest.mark.parametrize("ended", [Breaker.succeeded, Breaker.failed])
def test_what_was_asked_before_has_no_say(ended: Callable[[Breaker, int], None]) -> None:
    made, seen = breaker(failures=1)
    before = made.epoch
    made.failed(before)
    made.half_open()
    ended(made, before)
    assert seen == [State.OPEN, State.HALF_OPEN]


def test_one_question_decides_in_half_open() -> None:
    made, seen = breaker(failures=3)
    for _ in range(3):
        made.failed(made.epoch)
    made.half_open()
    made.failed(made.epoch)
    made.half_open()
    made.succeeded(made.epoch)
    assert seen == [State.OPEN, State.HALF_OPEN, State.OPEN, State.HALF_OPEN, State.CLOSED]


@pytest.mark.looptime
async def test_an_open_engine_is_not_asked_and_the_next_is(bench: Bench) -> None:
    first, second = Held(refuses, "first"), Held(answers, "second")
    chain = bench.make(first, second, failures=3)
    for _ in range(5):
        assert said(await chain.scan(MESSAGE, CONTEXT)) == "second"
    assert len(first.asked) == 3
    assert bench.value("breaker_state", engine="first") == 1


@pytest.mark.parametrize("fault", [refuses, hangs], ids=["refusing", "silent"])
@pytest.mark.looptime
async def test_all_out_is_unscanned_without_any_wait(
    bench: Bench, fault: Callable[[Sample], "asyncio.Future[Answer]"]
) -> None:
    engines = Held(fault, "first", budget=0.05), Held(fault, "second", budget=0.05)
    chain = bench.make(*engines, total=0.2, failures=2)
    for _ in range(2):
        await chain.scan(MESSAGE, CONTEXT)
    asked = [len(engine.asked) for engine in engines]
    verdict = await chain.scan(MESSAGE, CONTEXT)
    assert isinstance(verdict, Unscanned)
    assert verdict.reason == "first:open,second:open"
    assert verdict.seconds < 0.05
    assert [len(engine.asked) for engine in engines] == asked == [2, 2]
    assert bench.value("unscanned_total", reason="out") == 1


@pytest.mark.looptime
async def test_lateness_counts_when_the_budget_is_spent_though_the_message_waits_on(bench: Bench) -> None:
    """Otherwise with all engines frozen the breakers would open one total deadline after the fault."""
    chain = bench.make(Held(hangs, "first", budget=0.05), total=60, failures=1)
    scan = asyncio.create_task(chain.scan(MESSAGE, CONTEXT))
    await until(lambda: bench.value("breaker_state", engine="first") == 1)
    assert not scan.done()
    scan.cancel()


@pytest.mark.looptime
async def test_it_closes_by_itself_without_a_message_of_anybody_s(bench: Bench) -> None:
    engine = Held(refuses, "first")
    chain = bench.make(engine, failures=1, open_seconds=0.05)
    await chain.scan(MESSAGE, CONTEXT)
    engine.does = answers
    await until(lambda: bench.value("breaker_state", engine="first") == 0)
    probe = engine.asked[-1]
    assert probe != engine.asked[0]
    assert b"Subject: Minutes" in probe
    assert said(await chain.scan(MESSAGE, CONTEXT)) == "first"


@pytest.mark.looptime
async def test_it_is_tried_again_and_again_while_nobody_waits(bench: Bench) -> None:
    engine = Held(hangs, "first", budget=0.03)
    chain = bench.make(engine, total=0.06, failures=1, open_seconds=0.02)
    await chain.scan(MESSAGE, CONTEXT)
    await until(lambda: len(engine.asked) >= 4)
    await until(lambda: bench.value("breaker_state", engine="first") == 2)
    assert said(await chain.scan(MESSAGE, CONTEXT)) == "first:open"
    engine.does = answers
    await until(lambda: bench.value("breaker_state", engine="first") == 0)


@pytest.mark.looptime
async def test_the_first_try_comes_soon_and_each_failed_one_doubles_the_pause(bench: Bench) -> None:
    """A restart of Rspamd takes a second or two, an overloaded engine is not to be hammered."""
    clock = asyncio.get_running_loop().time
    asked_at: list[float] = []

    async def refuses_and_notes(sample: Sample) -> Answer:
        asked_at.append(clock())
        return await refuses(sample)

    engine = Held(refuses_and_notes, "first")
    chain = bench.make(engine, failures=1, open_seconds=5, total=0.5)
    await chain.scan(MESSAGE, CONTEXT)
    await asyncio.sleep(20)
    assert [round(later - earlier) for earlier, later in pairwise(asked_at)] == [1, 2, 4, 5, 5]
    engine.does = answers
    await asyncio.sleep(5)
    assert bench.value("breaker_state", engine="first") == 0
    asked_at.clear()
    engine.does = refuses_and_notes
    await chain.scan(MESSAGE, CONTEXT)
    await asyncio.sleep(1.5)
    assert [round(later - earlier) for earlier, later in pairwise(asked_at)] == [1]


@pytest.mark.looptime
async def test_slow_is_late_though_it_answers_in_the_end(bench: Bench) -> None:
    async def slow(_sample: Sample) -> Answer:
        await asyncio.sleep(0.1)
        return Answer(1.0, [])

    chain = bench.make(Held(slow, "first", budget=0.03), Held(answers, "second"), failures=2)
    for _ in range(2):
        assert said(await chain.scan(MESSAGE, CONTEXT)) == "second"
    assert bench.value("breaker_state", engine="first") == 1
