"""The gate's log: a line for each message, and refusals without a flood of lines."""

from structlog.testing import capture_logs

from tests.unit.twinmx.gatehouse import HELLO, Gatehouse, mta_of, sent
from tests.unit.twinmx.mta import CONTENT
from twinmx.gate.sparing import Sparing


async def test_each_message_has_a_line_with_its_queue_id(gate: Gatehouse) -> None:
    await gate.start()
    with capture_logs() as lines:
        await sent(gate)

    (line,) = (line for line in lines if line["event"] == "message")
    assert line["queue_id"] == "4bXyZ1"
    assert line["recipient"] == [HELLO]
    assert line["sender"] == "a@sender.example"
    assert line["size"] == len(CONTENT)


async def test_refusals_are_logged_sparingly(gate: Gatehouse) -> None:
    await gate.start()
    mta = await mta_of(gate)
    await mta.mail()
    with capture_logs() as lines:
        for _ in range(20):
            await mta.rcpt("off@alias.example")
    mta.close()

    refused = [line for line in lines if line["event"] == "recipient refused"]
    assert 1 <= len(refused) < 20
    assert (refused[0]["outcome"], refused[0]["recipient"]) == ("disabled", "off@alias.example")


def test_a_line_says_how_many_were_left_out() -> None:
    now = 0.0
    sparing = Sparing(2, lambda: now)

    assert [sparing.allows() for _ in range(5)] == [0, 0, None, None, None]
    now = 1.0
    assert sparing.allows() == 3
