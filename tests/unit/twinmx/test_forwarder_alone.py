"""The replay of June 2021: a worker has one message at a time."""

import asyncio
from typing import cast

import pytest

from tests.unit.twinmx.world import World
from twinmx.forwarder.alone import Alone
from twinmx.forwarder.question import Question


async def _hold(alone: Alone, entered: list[float]) -> None:
    async with alone:
        entered.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1)


@pytest.mark.looptime
async def test_each_has_its_turn_and_its_seconds() -> None:
    alone, entered = Alone(0.5), list[float]()
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(_hold(alone, entered) for _ in range(3)))

    assert [moment - began for moment in entered] == [0.5, 2.0, 3.5]


@pytest.mark.looptime
async def test_who_gives_up_in_its_seconds_leaves_the_turn_to_the_next() -> None:
    alone, entered = Alone(0.5), list[float]()
    began = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.25):
            await _hold(alone, entered)
    await _hold(alone, entered)

    assert [moment - began for moment in entered] == [0.75]


async def test_what_waits_past_the_deadline_is_put_off_and_not_delivered(world: World) -> None:
    world.alone = Alone(0.0)
    await world.start(total_seconds=0.2)
    async with world.alone:
        assert (await world.send()).startswith("451 4.4.2")
    assert world.sink.accepted == []
    assert (await world.send()).startswith("250")
    assert len(world.sink.accepted) == 1


class Database:
    """A question that nobody answers, but for once."""

    def __init__(self) -> None:
        self.asked = 0
        self.closed = False

    async def ask(self) -> None:
        self.asked += 1
        if self.asked == 1:
            raise OSError("the server is away")

    def close(self) -> None:
        self.closed = True


async def test_without_an_answer_of_the_database_a_message_is_put_off(world: World) -> None:
    database = Database()
    world.alone = Alone(0.0, cast(Question, database))
    await world.start()

    assert (await world.send()).startswith("451 4.3.0")
    assert world.sink.accepted == []
    assert (await world.send()).startswith("250")
    assert database.asked == 2

    world.alone.close()
    assert database.closed
