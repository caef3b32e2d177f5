"""What postfix-out answers, or does not, becomes the answer to the client; nothing is taken twice."""

import socket

import pytest

from tests.unit.twinmx.world import World


@pytest.mark.parametrize(
    ("refuse", "to", "reply"),
    [
        ({"hello@mailbox.example": "550 5.7.9 no"}, "hello@alias.example", "550 5.7.9 no"),
        ({"hello@mailbox.example": "450 4.2.0 later"}, "hello@alias.example", "450 4.2.0 later"),
        (
            {"hello@mailbox.example": "550 5.1.1 <Hello@mailbox.example>: unknown"},
            "hello@alias.example",
            "550 5.1.1 <the mailbox>: unknown",
        ),
        (
            {"one@mailbox.example": "550 5.1.1 gone", "two@post.example": "550 5.1.1 gone"},
            "pair@alias.example",
            "550 5.1.1 gone",
        ),
    ],
)
async def test_what_postfix_out_refuses_is_refused(
    world: World, refuse: dict[str, str], to: str, reply: str
) -> None:
    world.sink.refuse = refuse
    await world.start()
    assert (await world.send(to=to)).startswith(reply)
    assert not world.sink.accepted
    assert world.outcomes() == {"refused": 1}


@pytest.mark.parametrize("final", ["452 4.3.1 disk full", "554 5.7.1 not this"])
async def test_the_final_reply_of_postfix_out_is_ours(world: World, final: str) -> None:
    world.sink.final = final
    await world.start()
    assert await world.send() == final
    assert await world.send(to="pair@alias.example") == final


async def test_postfix_out_down_is_451_4_4_1(world: World) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        world.reinject_port = unused.getsockname()[1]
        await world.start()
        assert (await world.send()).startswith("451 4.4.1")
    assert world.outcomes() == {"unreachable": 1}


async def test_postfix_out_silent_is_451_within_the_deadline(world: World) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        world.reinject_port = silent.getsockname()[1]
        await world.start(reinject_seconds=0.2)
        assert (await world.send()).startswith("451 4.4.2")
