"""While its host is drained a worker sends Postfix on to the peer, and nobody's message is cut off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.unit.twinmx.peers import Raw
from tests.unit.twinmx.world import World
from twinmx.failover import clock, lease
from twinmx.forwarder.drained import follow


@asynccontextmanager
async def following(world: World, directory: Path) -> AsyncIterator[None]:
    task = asyncio.create_task(follow(directory, world.server, every=0.01))
    try:
        yield
    finally:
        task.cancel()


async def greeting(world: World) -> str:
    raw = await Raw.connect(world.server.port, greeting=False)
    try:
        return await raw.reply()
    finally:
        raw.close()


async def greets_with(world: World, code: str) -> None:
    said = ""
    async with asyncio.timeout(3):
        while not said.startswith(code):
            said = await greeting(world)


def drain(directory: Path, seconds: float) -> None:
    lease.write(directory, clock.now() + seconds)


async def test_a_drained_worker_greets_with_421_and_serves_again_afterwards(
    world: World, tmp_path: Path
) -> None:
    await world.start()
    async with following(world, tmp_path):
        assert (await greeting(world)).startswith("220")
        drain(tmp_path, 60)
        await greets_with(world, "421 4.3.2")
        lease.remove(tmp_path)
        await greets_with(world, "220")
        assert (await world.send()).startswith("250")


async def test_a_drain_that_nobody_renews_ends_by_itself(world: World, tmp_path: Path) -> None:
    await world.start()
    async with following(world, tmp_path):
        drain(tmp_path, 0.3)
        await greets_with(world, "421 4.3.2")
        await greets_with(world, "220")


async def test_a_message_in_hand_is_finished_and_an_idle_session_ends(world: World, tmp_path: Path) -> None:
    await world.start()
    busy, idle = await Raw.connect(world.server.port), await Raw.connect(world.server.port)
    await idle.ask("EHLO mx1.alias.example")
    await busy.ask("EHLO mx1.alias.example")
    await busy.send(b"MAIL FROM:<a@sender.example>\r\nRCPT TO:<hello@alias.example>\r\nDATA\r\n")
    await busy.replies(3)
    async with following(world, tmp_path):
        drain(tmp_path, 60)
        assert (await idle.reply()).startswith("421")
        await busy.send(b"Subject: in hand\r\n\r\nbody\r\n.\r\n")
        assert (await busy.reply()).startswith("250")
        assert (await busy.reply()).startswith("421")
    assert len(world.sink.accepted) == 1
