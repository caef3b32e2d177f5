"""The spam chain against engines that answer, fail and keep silent."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.twinmx.peers import Engines
from tests.unit.twinmx.spamming import CONTEXT, MESSAGE, Bench, Held, answers, hangs, refuses, said, until
from twinmx.spam.engine import Answer
from twinmx.spam.rspamd import RspamdEngine
from twinmx.spam.sample import Context, Sample
from twinmx.spam.spamassassin import SpamAssassinEngine
from twinmx.spam.verdict import Scored, Unscanned


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "engines.json")
    yield bench
    if bench.chain:
        await bench.chain.close()


def rspamd(settings: dict[str, Any]) -> RspamdEngine:
    return RspamdEngine(**settings)


def spamd(settings: dict[str, Any]) -> SpamAssassinEngine:
    return SpamAssassinEngine(**settings)


async def test_the_first_engine_answers_and_the_second_is_not_asked(fake: Engines, bench: Bench) -> None:
    chain = bench.make(rspamd(await fake.rspamd(3.456, ["A", "B"])), spamd(await fake.spamd(9, [])))
    verdict = await chain.scan(MESSAGE, CONTEXT)
    assert isinstance(verdict, Scored)
    assert (verdict.engine, verdict.score, verdict.symbols) == ("rspamd", 3.46, ("A", "B"))
    assert bench.outcomes == {("rspamd", "ok"): 1}
    assert bench.value("scan_seconds_count", engine="rspamd") == 1
    assert len(fake.requests) == 1


async def test_a_late_engine_is_joined_by_the_next(fake: Engines, bench: Bench) -> None:
    chain = bench.make(rspamd(await fake.rspamd_fault("silent")), spamd(await fake.spamd(2, [])), total=5.0)
    verdict = await chain.scan(MESSAGE, CONTEXT)
    assert said(verdict) == "spamassassin"
    assert verdict.seconds >= 0.2
    assert bench.outcomes == {("spamassassin", "ok"): 1, ("rspamd", "late"): 1}
    assert bench.value("hedges_total", engine="spamassassin") == 1
    assert bench.value("hedges_won_total", engine="spamassassin") == 1


@pytest.mark.looptime
async def test_a_late_answer_still_wins_over_a_silent_second(bench: Bench) -> None:
    async def slow(_sample: Sample) -> Answer:
        await asyncio.sleep(0.35)
        return Answer(1.0, [])

    chain = bench.make(Held(slow, "first", budget=0.2), Held(hangs, "second", budget=0.2), total=5.0)
    assert said(await chain.scan(MESSAGE, CONTEXT)) == "first"
    assert bench.value("hedges_won_total", engine="second") == 0
    assert bench.outcomes == {("first", "ok"): 1, ("second", "dropped"): 1}


@pytest.mark.parametrize(
    ("fault", "kind"), [("refused", "refused"), ("closing", "error"), ("garbage", "garbage")]
)
async def test_a_failed_engine_is_followed_at_once(
    fake: Engines, bench: Bench, fault: str, kind: str
) -> None:
    chain = bench.make(rspamd(await fake.rspamd_fault(fault)), spamd(await fake.spamd(2, [])))
    verdict = await chain.scan(MESSAGE, CONTEXT)
    assert said(verdict) == "spamassassin"
    assert bench.outcomes == {("rspamd", kind): 1, ("spamassassin", "ok"): 1}
    assert bench.value("hedges_total", engine="spamassassin") == 0
    assert bench.value("hedges_won_total", engine="spamassassin") == 0


@pytest.mark.parametrize("fault", ["refused", "closing", "garbage", "silent"])
async def test_spamd_failing_is_followed_too(fake: Engines, bench: Bench, fault: str) -> None:
    chain = bench.make(spamd(await fake.spamd_fault(fault)), rspamd(await fake.rspamd(2, [])))
    assert said(await chain.scan(MESSAGE, CONTEXT)) == "rspamd"


async def test_all_silent_is_unscanned_at_the_deadline(fake: Engines, bench: Bench) -> None:
    chain = bench.make(
        rspamd(await fake.rspamd_fault("silent")), spamd(await fake.spamd_fault("silent")), total=0.5
    )
    verdict = await chain.scan(MESSAGE, CONTEXT)
    assert isinstance(verdict, Unscanned)
    assert verdict.reason == "rspamd:late,spamassassin:late"
    assert verdict.seconds >= 0.5
    assert bench.value("unscanned_total", reason="late") == 1


@pytest.mark.looptime
async def test_the_deadline_holds_inside_a_budget(bench: Bench) -> None:
    chain = bench.make(Held(hangs, "first", budget=0.1), Held(hangs, "second", budget=5), total=0.2)
    verdict = await chain.scan(MESSAGE, CONTEXT)
    assert said(verdict) == "first:late,second:dropped"
    assert 0.2 <= verdict.seconds < 0.5


@pytest.mark.looptime
async def test_all_failing_is_unscanned_at_once(bench: Bench) -> None:
    verdict = await bench.make(Held(refuses, "a"), Held(refuses, "b")).scan(MESSAGE, CONTEXT)
    assert said(verdict) == "a:refused,b:refused"
    assert bench.value("unscanned_total", reason="failed") == 1


@pytest.mark.looptime
async def test_the_next_is_asked_at_once_after_a_failure_and_at_the_budget_of_a_silent_one(
    bench: Bench,
) -> None:
    engines = Held(refuses, "failing", budget=5), Held(hangs, "silent", budget=0.2), Held(answers, "well")
    verdict = await bench.make(*engines).scan(MESSAGE, CONTEXT)
    assert said(verdict) == "well"
    assert verdict.seconds == pytest.approx(0.2)


@pytest.mark.looptime
async def test_no_engine_is_unscanned(bench: Bench) -> None:
    assert said(await bench.make().scan(MESSAGE, CONTEXT)) == "no-engine"
    assert bench.value("unscanned_total", reason="off") == 1


class Stubborn:
    """An engine with a bug: it raises what it likes, and does not stop when told to."""

    name = "stubborn"
    budget_seconds = 0.05

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def scan(self, _sample: Sample, _context: Context) -> Answer:
        if self.error:
            raise self.error
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
        raise AssertionError

    async def close(self) -> None:
        pass


@pytest.mark.looptime
async def test_a_bug_in_an_engine_is_no_exception_of_the_chain(bench: Bench) -> None:
    verdict = await bench.make(Stubborn(ZeroDivisionError())).scan(MESSAGE, CONTEXT)
    assert said(verdict) == "stubborn:ZeroDivisionError"


@pytest.mark.looptime
async def test_an_engine_that_ignores_its_end_does_not_move_the_deadline(bench: Bench) -> None:
    verdict = await bench.make(Stubborn(), total=0.1).scan(MESSAGE, CONTEXT)
    assert said(verdict) == "stubborn:late"
    assert verdict.seconds < 0.3


@pytest.mark.looptime
async def test_a_cancelled_scan_leaves_no_question_behind(bench: Bench) -> None:
    ended = asyncio.Event()

    async def hangs_until_cancelled(sample: Sample) -> Answer:
        try:
            return await hangs(sample)
        finally:
            ended.set()

    engine = Held(hangs_until_cancelled, budget=5)
    scan = asyncio.create_task(bench.make(engine, failures=1).scan(MESSAGE, CONTEXT))
    await until(lambda: bool(engine.asked))
    scan.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scan
    await asyncio.wait_for(ended.wait(), 1)
    assert bench.outcomes == {("held", "dropped"): 1}
    assert bench.value("breaker_state", engine="held") == 0


@pytest.mark.looptime
async def test_an_engine_is_not_asked_more_than_it_bears(bench: Bench) -> None:
    """Two at once; the others of a burst wait, since it is quick."""
    release = asyncio.Event()

    async def slow(_sample: Sample) -> Answer:
        await release.wait()
        return Answer(1.0, [])

    first, second = Held(slow, "first", budget=5), Held(answers, "second")
    chain = bench.make(first, second, total=9, concurrency=2)
    scans = [asyncio.create_task(chain.scan(b"%d" % number, CONTEXT)) for number in range(20)]
    await until(lambda: len(first.asked) == 2)
    release.set()
    assert [said(verdict) for verdict in await asyncio.gather(*scans)] == ["first"] * 20
    assert bench.outcomes == {("first", "ok"): 20}


@pytest.mark.looptime
async def test_nobody_joins_a_queue_that_is_too_long_for_the_budget(bench: Bench) -> None:
    """It takes 0.1 s and has 0.2 s: who would be the third to wait goes on to the next engine at once."""

    async def slow(_sample: Sample) -> Answer:
        await asyncio.sleep(0.1)
        return Answer(1.0, [])

    first, second = Held(slow, "first", budget=0.2), Held(answers, "second")
    chain = bench.make(first, second, total=9, concurrency=1, failures=3)
    for _ in range(30):  # it learns
        await chain.scan(MESSAGE, CONTEXT)
    verdicts = await asyncio.gather(*(chain.scan(b"%d" % number, CONTEXT) for number in range(10)))
    assert len([verdict for verdict in verdicts if said(verdict) == "second"]) >= 6
    assert bench.outcomes["first", "busy"] >= 6
    assert bench.value("breaker_state", engine="first") == 0


@pytest.mark.looptime
async def test_waiting_for_a_slot_counts_against_the_budget_but_is_not_the_engine_s_fault(
    bench: Bench,
) -> None:
    async def slow(_sample: Sample) -> Answer:
        await asyncio.sleep(0.15)
        return Answer(1.0, [])

    first, second = Held(slow, "first", budget=0.2), Held(answers, "second")
    chain = bench.make(first, second, total=9, concurrency=1, failures=1)
    verdicts = await asyncio.gather(chain.scan(b"1", CONTEXT), chain.scan(b"2", CONTEXT))
    assert [said(verdict) for verdict in verdicts] == ["first", "second"]
    assert bench.outcomes == {("first", "ok"): 1, ("first", "busy"): 1, ("second", "ok"): 1}
    assert bench.value("breaker_state", engine="first") == 0


@pytest.mark.looptime
async def test_who_waits_behind_a_silent_engine_counts_as_well(bench: Bench) -> None:
    """Else it would stay in for as long as more messages come than it has slots, as in August 2020."""
    first, second = Held(hangs, "first", budget=0.2), Held(answers, "second")
    chain = bench.make(first, second, total=9, concurrency=1, failures=3)
    verdicts = await asyncio.gather(*(chain.scan(b"%d" % number, CONTEXT) for number in range(3)))
    assert [said(verdict) for verdict in verdicts] == ["second"] * 3
    assert bench.outcomes == {("first", "late"): 3, ("second", "ok"): 3}
    assert bench.value("breaker_state", engine="first") == 1
