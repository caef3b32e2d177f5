"""A message that has been here before is refused; who it is comes from what cannot be forged."""

import pytest

from tests.unit.twinmx.peers import Raw
from tests.unit.twinmx.world import MESSAGE, World, header


async def test_a_message_that_comes_round_again_is_refused(world: World) -> None:
    await world.start()
    await world.send()
    first = world.delivered()
    assert (await world.send(first)).startswith("554 5.4.6")
    assert (await world.send(first, to="pair@alias.example")).startswith("250")


async def test_a_trace_that_we_did_not_write_is_no_loop(world: World) -> None:
    await world.start()
    await world.send()
    ours = header(world.delivered(), "X-Twinmx-Trace")
    for forged in (
        "<hello@alias.example> by mx1.alias.example id 4bXyZ1 mark aaaaaaaa",
        "<hello@alias.example> by mx1.alias.example id 4bXyZ1",
        ours.replace("4bXyZ1", "4bXyZ2"),
        ours.replace("hello", "pair"),
    ):
        message = f"X-Twinmx-Trace: {forged}\r\n".encode() + MESSAGE
        assert (await world.send(message)).startswith("250")
        assert (await world.send(message, to="pair@alias.example")).startswith("250")


async def test_too_many_hops_are_a_loop(world: World) -> None:
    await world.start()
    hops = b"Received: from a by b; now\r\n"
    assert (await world.send(hops * 50 + MESSAGE)).startswith("250")
    assert (await world.send(hops * 51 + MESSAGE)).startswith("554 5.4.6")


@pytest.mark.parametrize("how", ["(Postfix)", "(Postfix, from userid 103)"])
async def test_what_postfix_made_or_requeued_is_known_by_its_own_queue_id(world: World, how: str) -> None:
    """Without XFORWARD the topmost field has it."""
    await world.start()
    raw = await Raw.connect(world.server.port)
    for line in ("EHLO mx1", "MAIL FROM:<>", "RCPT TO:<hello@alias.example>", "DATA"):
        await raw.ask(line)
    received = f"Received: by mx1.alias.example {how}\r\n\tid 4bXyZ9; now\r\n"
    assert (await raw.ask(f"{received}{MESSAGE.decode()}.")).startswith("250")
    raw.close()
    assert "id 4bXyZ9 for" in header(world.delivered(), "Received")
