"""The lives of SMTP sessions: who gets one, and how each ends."""

import asyncio
import socket
import struct

import pytest

from tests.unit.twinmx.peers import Raw
from tests.unit.twinmx.serving import MAIL, RCPT, Handler, Start, hand_in, ready
from tests.unit.twinmx.spamming import until
from twinmx.smtp.envelope import Reply


async def test_strangers_are_turned_away(start: Start) -> None:
    raw = await Raw.connect((await start(clients="203.0.113.0/24")).port, greeting=False)
    assert (await raw.reply()).startswith("554 5.7.1")
    assert await raw.ended()


async def test_a_connection_too_many_is_421(start: Start) -> None:
    server = await start(connections=1)
    first = await ready(server)
    second = await Raw.connect(server.port, greeting=False)
    assert (await second.reply()).startswith("421 4.3.2 too many")
    assert await second.ended()
    assert (await first.ask("NOOP")).startswith("250")
    await first.ask("QUIT")
    assert await first.ended()
    assert (await (await Raw.connect(server.port, greeting=False)).reply()).startswith("220")


async def test_clients_may_come_in_the_very_moment_of_turning_away(start: Start) -> None:
    server = await start()
    greetings = []
    for _ in range(200):
        coming = asyncio.create_task(Raw.connect(server.port, greeting=False))
        while not coming.done():
            server.turn_away(Reply(421, "4.3.2", "elsewhere"))
            server.turn_away(None)
            await asyncio.sleep(0)
        greetings.append((await (await coming).reply())[:3])
    assert set(greetings) <= {"220", "421"}


async def test_silence_is_421(start: Start) -> None:
    raw = await ready(await start(idle=0.1))
    assert (await raw.reply()).startswith("421 4.4.2")
    assert await raw.ended()


async def test_a_slow_handler_is_not_silence(start: Start, handler: Handler) -> None:
    handler.gate.clear()
    raw = await ready(await start(idle=0.05))
    await hand_in(raw)
    await handler.busy.wait()
    asyncio.get_running_loop().call_later(0.2, handler.gate.set)
    assert await raw.reply() == "250 2.0.0 taken"


async def test_a_client_that_says_no_more_hears_the_reply(start: Start, handler: Handler) -> None:
    handler.gate.clear()
    raw = await ready(await start())
    await hand_in(raw)
    raw.writer.write_eof()
    await handler.busy.wait()
    asyncio.get_running_loop().call_later(0.05, handler.gate.set)
    assert await raw.reply() == "250 2.0.0 taken"
    assert await raw.ended()


async def test_a_stop_waits_for_the_message_of_a_client_that_has_left(start: Start, handler: Handler) -> None:
    handler.gate.clear()
    server = await start()
    raw = await ready(server)
    await hand_in(raw)
    await handler.busy.wait()
    at_once = struct.pack("ii", 1, 0)  # a reset instead of an end: nothing is kept for the reply
    raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    raw.writer.transport.abort()
    asyncio.get_running_loop().call_later(0.1, handler.gate.set)
    await server.stop(5)
    assert len(handler.taken) == 1
    assert server.connections == 0


async def test_nothing_is_read_while_a_message_is_in_hand(start: Start, handler: Handler) -> None:
    handler.gate.clear()
    raw = await ready(await start())
    await hand_in(raw)
    await handler.busy.wait()
    flood = asyncio.create_task(raw.send((b"NOOP " + b"x" * 4000 + b"\r\n") * 4_000))
    done, _ = await asyncio.wait([flood], timeout=1)
    assert not done, "16 MB were taken in"
    handler.gate.set()
    assert await raw.reply() == "250 2.0.0 taken"
    await flood


async def test_stopping_finishes_what_is_in_hand(start: Start, handler: Handler) -> None:
    handler.gate.clear()
    server = await start()
    port = server.port
    idle, working, midway = await ready(server), await ready(server), await ready(server)
    await hand_in(working)
    await handler.busy.wait()
    await midway.ask(MAIL)
    stopping = asyncio.create_task(server.stop(5))
    assert (await idle.reply()).startswith("421 4.3.2")
    assert await idle.ended()
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)
    await midway.ask(RCPT)
    await midway.ask("DATA")
    await midway.send(b"y\r\n.\r\n")
    handler.gate.set()
    for raw in (working, midway):
        assert await raw.reply() == "250 2.0.0 taken"
        assert (await raw.reply()).startswith("421 4.3.2")
        assert await raw.ended()
    async with asyncio.timeout(2):
        await stopping
    assert server.connections == 0


async def test_stopping_drops_who_never_finishes(start: Start) -> None:
    server = await start()
    raw = await ready(server)
    await raw.ask(MAIL)
    async with asyncio.timeout(2):
        await server.stop(0.1)
    assert await raw.ended()


async def test_a_message_whose_client_left_is_still_finished(start: Start, handler: Handler) -> None:
    handler.gate.clear()
    server = await start()
    raw = await ready(server)
    await hand_in(raw)
    await handler.busy.wait()
    raw.close()
    stopping = asyncio.create_task(server.stop(5))
    handler.gate.set()
    await stopping
    assert len(handler.taken) == 1


async def test_workers_share_a_port(start: Start) -> None:
    first, second = await start(), await start()
    await second.listen("127.0.0.1", first.port)
    assert first.listening
    assert second.listening


async def test_more_than_may_be_in_hand_is_452_until_it_is_answered(start: Start, handler: Handler) -> None:
    handler.gate.clear()
    server = await start(in_hand=8_000)
    first, second = await ready(server), await ready(server)
    await hand_in(first, " SIZE=7000")
    await handler.busy.wait()
    assert (await second.ask(f"{MAIL} SIZE=2000")).startswith("452 4.3.1")
    assert (await second.ask(f"{MAIL} SIZE=1000")).startswith("250")
    await second.ask("RSET")
    handler.gate.set()
    assert await first.reply() == "250 2.0.0 taken"
    assert (await second.ask(f"{MAIL} SIZE=8000")).startswith("250")


async def test_one_message_is_always_taken(start: Start, handler: Handler) -> None:
    raw = await ready(await start(in_hand=100))
    for announced in ("", " SIZE=9000"):
        for line in (MAIL + announced, RCPT, "DATA"):
            assert (await raw.ask(line))[:1] in "23"
        assert await raw.ask("x" * 9_000 + "\r\n.") == "250 2.0.0 taken"
    assert len(handler.taken) == 2


@pytest.mark.parametrize("announced", ["", " SIZE=10"])
async def test_what_was_not_announced_counts_as_it_arrives(
    start: Start, handler: Handler, announced: str
) -> None:
    server = await start(in_hand=8_000)
    first, second = await ready(server), await ready(server)
    await first.ask(f"{MAIL} SIZE=5000")
    for line in (MAIL + announced, RCPT, "DATA"):
        assert (await second.ask(line))[:1] in "23"
    await second.send(b"x" * 4_000)
    assert (await second.ask("x" * 4_000 + "\r\n.")).startswith("452 4.3.1")
    assert not handler.taken
    for line in (f"{MAIL} SIZE=2000", RCPT, "DATA"):
        assert (await second.ask(line))[:1] in "23"
    assert await second.ask("x\r\n.") == "250 2.0.0 taken"


@pytest.mark.parametrize("end", ["QUIT", "RSET", "EHLO again", ""])
async def test_who_leaves_has_nothing_in_hand(start: Start, end: str) -> None:
    server = await start(in_hand=8_000)
    first, second = await ready(server), await ready(server)
    await first.ask(f"{MAIL} SIZE=8000")
    assert (await second.ask(f"{MAIL} SIZE=8000")).startswith("452 4.3.1")
    if end:
        await first.ask(end)
    else:
        first.close()
        await until(lambda: server.connections == 1)
    assert (await second.ask(f"{MAIL} SIZE=8000")).startswith("250")
