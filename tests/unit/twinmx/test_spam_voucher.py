"""A verdict of spam counts only while the engine lets good mail of our own pass."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.unit.twinmx.spamming import CONTEXT, MESSAGE, REJECT_SCORE, Bench, Held, answers
from twinmx.spam.engine import Answer
from twinmx.spam.sample import Sample
from twinmx.spam.verdict import Scored, Unscanned
from twinmx.spam.voucher import BELIEVED_SECONDS, ham

pytestmark = pytest.mark.looptime


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "engines.json")
    yield bench
    if bench.chain:
        await bench.chain.close()


def scores(users: float, ours: float) -> Callable[[Sample], Awaitable[Answer]]:
    """What an engine does that gives so many points to mail of users, and so many to good mail of ours."""

    async def does(sample: Sample) -> Answer:
        return Answer(ours if b"Minutes of yesterday" in sample.data else users, ["A"])

    return does


async def test_spam_is_believed_where_ham_passes(bench: Bench) -> None:
    engine = Held(scores(REJECT_SCORE, 0.5))

    verdict = await bench.make(engine).scan(MESSAGE, CONTEXT)

    assert isinstance(verdict, Scored)
    assert verdict.score == REJECT_SCORE


async def test_who_takes_all_for_spam_is_not_believed_and_the_next_is_asked(bench: Bench) -> None:
    mistaken, sane = Held(scores(100.0, 100.0), "mistaken"), Held(answers, "sane")

    verdict = await bench.make(mistaken, sane).scan(MESSAGE, CONTEXT)

    assert isinstance(verdict, Scored)
    assert verdict.engine == "sane"
    assert bench.outcomes["mistaken", "mistaken"] == 1


async def test_without_another_engine_the_message_moves_on_unscanned(bench: Bench) -> None:
    verdict = await bench.make(Held(scores(100.0, REJECT_SCORE))).scan(MESSAGE, CONTEXT)

    assert isinstance(verdict, Unscanned)
    assert "mistaken" in verdict.reason


async def test_it_goes_out_and_stays_out_while_it_is_mistaken(bench: Bench) -> None:
    engine, sane = Held(scores(100.0, 100.0), "mistaken"), Held(answers, "sane")
    chain = bench.make(engine, sane, failures=2, open_seconds=1)
    for _ in range(3):
        await chain.scan(MESSAGE, CONTEXT)
    assert bench.value("breaker_state", engine="mistaken") == 1

    await asyncio.sleep(1.5)  # it has been tried, with our own letter
    assert bench.value("breaker_state", engine="mistaken") == 1

    engine.does = scores(0.5, 0.5)
    await asyncio.sleep(1.5)
    assert bench.value("breaker_state", engine="mistaken") == 0


async def test_ham_is_asked_about_once_in_a_while_and_only_for_spam(bench: Bench) -> None:
    engine = Held(scores(1.0, 0.5))
    chain = bench.make(engine)
    await chain.scan(MESSAGE, CONTEXT)
    assert len(engine.asked) == 1

    engine.does = scores(100.0, 0.5)
    await chain.scan(MESSAGE, CONTEXT)
    await chain.scan(MESSAGE, CONTEXT)
    assert len(engine.asked) == 1 + 3

    await asyncio.sleep(BELIEVED_SECONDS)
    await chain.scan(MESSAGE, CONTEXT)
    assert len(engine.asked) == 1 + 3 + 2


async def test_after_a_failure_it_is_asked_again(bench: Bench) -> None:
    engine = Held(scores(100.0, 0.5))
    chain = bench.make(engine)
    await chain.scan(MESSAGE, CONTEXT)

    async def fails(_: Sample) -> Answer:
        raise RuntimeError

    engine.does = fails
    await chain.scan(MESSAGE, CONTEXT)
    engine.does = scores(100.0, 100.0)

    assert isinstance(await chain.scan(MESSAGE, CONTEXT), Unscanned)


async def test_many_at_once_ask_about_ham_once(bench: Bench) -> None:
    engine = Held(scores(100.0, 0.5))
    chain = bench.make(engine)

    await asyncio.gather(*(chain.scan(MESSAGE, CONTEXT) for _ in range(5)))

    assert len(engine.asked) == 5 + 1


def test_our_letter_is_of_this_moment_and_ends_with_a_newline() -> None:
    one, other = ham(), ham()

    assert one.data.endswith(b"\r\n")
    assert one.data != other.data
