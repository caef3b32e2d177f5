"""A milter that is told to stop: sessions end where no message of theirs loses its filter."""

import asyncio

import pytest

from tests.unit.twinmx.mta import Mta, packet
from tests.unit.twinmx.recorder import HERE, Recorder, seen
from twinmx.milter.server import MilterServer


async def connected(milter: MilterServer) -> Mta:
    """A session that the server has taken up."""
    mta = await Mta.connect(milter.port)
    await mta.flush()
    return mta


async def test_a_stop_ends_idle_sessions_and_lets_the_message_under_way_end(
    milter: MilterServer, recorder: Recorder
) -> None:
    idle, busy = await connected(milter), await connected(milter)
    recorder.gate.clear()
    await busy.mail()
    last = asyncio.create_task(busy.data())
    await seen(recorder.busy)
    port = milter.port

    stopping = asyncio.create_task(milter.stop(60, idle_seconds=0.01))

    assert await idle.ended()
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)
    recorder.gate.set()
    assert await last == [(b"c", b"")]
    assert await busy.ended()
    await stopping


async def test_while_it_stops_open_sessions_are_served_until_their_client_leaves(
    milter: MilterServer, recorder: Recorder
) -> None:
    """An MTA goes on without a filter that hangs up: the rest of its session would have no limits."""
    mta = await connected(milter)
    stopping = asyncio.create_task(milter.stop(60, idle_seconds=60))
    await asyncio.sleep(0)  # it has begun

    for queue_id in (b"one", b"two"):
        await mta.mail()
        assert await mta.rcpt(HERE) == "go on"
        assert await mta.data(queue_id=queue_id) == [(b"c", b"")]
    mta.unsent += packet(b"Q")
    await mta.flush()

    await stopping
    assert [mail.queue_id for mail in recorder.mails] == ["one", "two"]


async def test_while_it_stops_a_session_that_was_idle_may_begin_a_message(milter: MilterServer) -> None:
    busy, idle = await connected(milter), await connected(milter)
    stopping = asyncio.create_task(milter.stop(60, idle_seconds=1))
    await busy.mail()
    assert await busy.rcpt(HERE) == "go on"

    assert await idle.ended()  # its second is over, and so would be that of the other
    assert await busy.data() == [(b"c", b"")]
    busy.close()
    await stopping


async def test_a_session_that_never_idles_is_ended_at_the_limit_of_a_stop(milter: MilterServer) -> None:
    mta = await connected(milter)
    await mta.mail()
    assert await mta.rcpt(HERE) == "go on"

    await milter.stop(0.01, idle_seconds=60)

    assert await mta.ended()


async def test_a_stop_does_not_wait_for_ever(milter: MilterServer, recorder: Recorder) -> None:
    recorder.gate.clear()
    mta = await Mta.connect(milter.port)
    await mta.mail()
    waiting = asyncio.create_task(mta.data())
    await seen(recorder.busy)

    await milter.stop(0)

    with pytest.raises(asyncio.IncompleteReadError):
        await waiting
    assert recorder.abandoned.is_set()
