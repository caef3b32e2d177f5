"""What the gate does after its answer: nobody waits for it, and no fault of it is lost."""

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.unit.twinmx.gatehouse import (
    Gatehouse,
    sent,
)
from tests.unit.twinmx.peers import Engines
from twinmx.gate.background import Background
from twinmx.limits.limiter import Admission


async def test_the_answer_to_spam_does_not_wait_for_what_is_taken_back(
    gate: Gatehouse, fake: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.engines["rspamd"] = await fake.rspamd(20.0, [])
    await gate.start()
    valkey_answers, released = asyncio.Event(), asyncio.Event()

    async def release(_admission: Admission) -> None:
        await valkey_answers.wait()
        released.set()

    monkeypatch.setattr(gate.limiter, "release", release)

    assert (await sent(gate))[-1][0] == b"y"
    assert not released.is_set()
    valkey_answers.set()
    await gate.desk.background.close(5)
    assert released.is_set()


async def test_a_stop_does_not_wait_for_ever_for_what_is_in_the_background() -> None:
    background, cancelled = Background(), asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    background.start(endless())
    await asyncio.sleep(0)  # it has begun
    await background.close(0)

    assert cancelled.is_set()


async def test_a_fault_in_the_background_is_logged() -> None:
    background = Background()

    async def fail() -> None:
        raise RuntimeError("a bug")

    with capture_logs() as lines:
        background.start(fail())
        await background.close(5)

    assert [line["log_level"] for line in lines] == ["error"]
