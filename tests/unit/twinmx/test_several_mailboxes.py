"""An alias with two mailboxes: a failure of one neither loses nor repeats the other."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.unit.twinmx.peers import Engines, Raw, Sink
from tests.unit.twinmx.world import MESSAGE, World
from twinmx.aliases.model import Alias
from twinmx.aliases.update import build_snapshot
from twinmx.forwarder.delivered import fingerprints
from twinmx.quarantine import Quarantine

ONE, TWO = "one@mailbox.example", "two@post.example"
PAIR = "pair@alias.example"
LATER, GONE = "450 4.2.0 later", "550 5.1.1 gone"
PICKUP = (
    b"Received: by mx1.alias.example (Postfix, from userid 103)\r\n"
    b"\tid 4bXyZ2; Sun, 22 Nov 2026 08:30:00 +0000 (UTC)\r\n"
)
Make = Callable[[str], World]


@pytest.fixture
async def make(tmp_path: Path, snapshot_path: Path, sink: Sink) -> AsyncIterator[Make]:
    """Exchangers which share the aliases and hand on to one sink."""
    async with AsyncExitStack() as stack:

        def exchanger(name: str) -> World:
            world = World(tmp_path / name, snapshot_path, sink)
            stack.push_async_callback(world.stop)
            return world

        yield exchanger


@pytest.fixture
def world(make: Make) -> World:
    return make("mx1")


def arrived(sink: Sink) -> list[str]:
    return sorted(recipient for envelope in sink.accepted for recipient in envelope.rcpt_tos)


@pytest.mark.parametrize(("failing", "other"), [(ONE, TWO), (TWO, ONE)])
async def test_the_one_that_failed_for_now_gets_it_later_and_the_other_once(
    world: World, failing: str, other: str
) -> None:
    await world.start()
    world.sink.refuse = {failing: LATER}
    reply = await world.send(to=PAIR)
    assert reply == "451 4.2.0 one of the mailboxes behind this alias failed, try again"
    assert arrived(world.sink) == [other]
    assert (await world.send(to=PAIR)).startswith("451")
    world.sink.refuse = {}
    assert (await world.send(to=PAIR)).startswith("250")
    assert arrived(world.sink) == [ONE, TWO]


async def test_the_peer_s_forwarder_sends_only_the_rest(make: Make, sink: Sink) -> None:
    """Postfix goes on to the peer at once when it hears 451."""
    first, second = make("mx1"), make("mx2")
    await second.start()
    first.peer_port = second.server.port
    await first.start()
    sink.refuse = {TWO: LATER}
    assert (await first.send(to=PAIR)).startswith("451")
    sink.refuse = {}
    assert (await second.send(to=PAIR)).startswith("250")
    assert arrived(sink) == [ONE, TWO]


@pytest.mark.parametrize("verdict", [b"", b"X-Twinmx-Spam: engine=rspamd;\r\n score=1.00\r\n"])
async def test_what_was_requeued_is_the_same_message(world: World, verdict: bytes) -> None:
    """`postsuper -r` takes it through pickup, which adds a field; header_checks drop the verdict."""
    received = b"Received: from out.sender.example (out [203.0.113.9])\r\n\tby mx1 (Postfix) id 4bX; now\r\n"
    await world.start()
    world.sink.refuse = {TWO: LATER}
    assert (await world.send(verdict + received + MESSAGE, to=PAIR)).startswith("451")
    world.sink.refuse = {}
    again = PICKUP.replace(b"4bXyZ2", b"4bXyZ3") + PICKUP + received + MESSAGE
    assert (await world.send(again, to=PAIR)).startswith("250")
    assert arrived(world.sink) == [ONE, TWO]


@pytest.mark.parametrize(
    "field",
    [
        PICKUP.replace(b", from userid 103", b""),
        PICKUP.replace(b"\tid", b"\tfor <x@alias.example>\r\n\tid"),
        b"X-Other: 1\r\n" + PICKUP,
    ],
)
async def test_only_the_field_of_a_requeue_is_looked_through(world: World, field: bytes) -> None:
    await world.start()
    world.sink.refuse = {TWO: LATER}
    assert (await world.send(to=PAIR)).startswith("451")
    world.sink.refuse = {}
    assert (await world.send(field + MESSAGE, to=PAIR)).startswith("250")
    assert arrived(world.sink) == [ONE, ONE, TWO]


async def test_what_is_delivered_is_known_after_a_restart(make: Make, tmp_path: Path, sink: Sink) -> None:
    first, again = make("mx1"), make("again")
    await first.start()
    sink.refuse = {TWO: LATER}
    await first.send(to=PAIR)
    await first.stop()
    sink.refuse = {}
    again.delivered_directory = first.delivered_directory
    await again.start()
    assert (await again.send(to=PAIR)).startswith("250")
    assert arrived(sink) == [ONE, TWO]


async def test_another_message_is_not_taken_for_the_first(world: World) -> None:
    await world.start()
    world.sink.refuse = {TWO: LATER}
    await world.send(to=PAIR)
    world.sink.refuse = {}
    assert (await world.send(b"Received: from elsewhere\r\n" + MESSAGE, to=PAIR)).startswith("250")
    assert arrived(world.sink) == [ONE, ONE, TWO]


async def test_a_final_refusal_of_one_is_said_without_naming_it(world: World) -> None:
    world.sink.refuse = {TWO: f"550 5.1.1 <{TWO}>: gone"}
    await world.start()
    assert await world.send(to=PAIR) == "550 5.1.1 one of the mailboxes behind this alias refused"
    assert arrived(world.sink) == [ONE]


@pytest.mark.parametrize(
    ("refuse", "reply"),
    [
        ({ONE: GONE, TWO: GONE}, GONE),
        ({ONE: GONE, TWO: LATER}, LATER),
        ({ONE: LATER, TWO: f"550 5.1.1 <{TWO}> gone"}, LATER),
        ({ONE: f"550 5.1.1 <{ONE}> gone", TWO: "550 5.7.1 no"}, "550 5.1.1 <the mailbox> gone"),
    ],
)
async def test_what_all_refuse_is_refused_as_they_do(
    world: World, refuse: dict[str, str], reply: str
) -> None:
    world.sink.refuse = refuse
    await world.start()
    assert await world.send(to=PAIR) == reply
    assert not world.sink.accepted


async def test_a_refusal_follows_a_delivery(world: World) -> None:
    await world.start()
    world.sink.refuse = {TWO: LATER}
    await world.send(to=PAIR)
    world.sink.refuse = {TWO: GONE}
    assert (await world.send(to=PAIR)).startswith("550 5.1.1 one of the mailboxes")
    assert arrived(world.sink) == [ONE]


@pytest.mark.parametrize("bounds", [{"reinject_seconds": 0.3}, {"total_seconds": 0.3}])
async def test_a_mailbox_that_hangs_holds_up_nobody(world: World, bounds: dict[str, float]) -> None:
    """Whichever deadline cuts it off, the other one is known to have the message."""
    world.sink.hang = {TWO}
    await world.start(**bounds)
    assert (await world.send(to=PAIR)).startswith("451 4.4.2")
    world.sink.hang = set()
    assert (await world.send(to=PAIR)).startswith("250")
    assert arrived(world.sink) == [ONE, TWO]


async def test_a_peer_that_is_silent_is_not_waited_for_long(world: World) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        world.peer_port = silent.getsockname()[1]
        await world.start()
        world.sink.refuse = {TWO: LATER}
        assert (await world.send(to=PAIR)).startswith("451 4.2.0")
    assert world.outcomes() == {"refused": 1}


async def test_found_spam_is_kept_for_those_who_have_it_not(world: World, fake: Engines) -> None:
    world.engines["rspamd"] = await fake.rspamd(99.0, [])
    await world.start()
    await _tell(world, fingerprints(MESSAGE, PAIR, [ONE]))
    assert (await world.send(to=PAIR)).startswith("250")
    store = Quarantine(world.quarantine)
    (name,) = store.names()
    assert [to["address"] for to in store.read(name).envelope["onward"]["recipients"]] == [TWO]


async def test_what_all_have_is_accepted_and_goes_nowhere(world: World) -> None:
    await world.start()
    await _tell(world, fingerprints(MESSAGE, PAIR, [ONE, TWO]))
    assert (await world.send(to=PAIR)).startswith("250")
    assert not world.sink.accepted
    assert world.outcomes() == {"repeated": 1}


@pytest.mark.parametrize("arguments", ["", "abc", "../../../etc/passwd", "A" * 64, f"{'a' * 64} b"])
async def test_only_fingerprints_are_kept(world: World, arguments: str) -> None:
    await world.start()
    raw = await Raw.connect(world.server.port)
    assert (await raw.ask(f"XDELIVERED {arguments}")).startswith("501")
    assert list(world.delivered_directory.iterdir()) == []
    raw.close()


async def test_an_alias_with_many_mailboxes_tells_all_of_them(
    make: Make, snapshot_path: Path, sink: Sink
) -> None:
    boxes = tuple(f"box{number}@mailbox.example" for number in range(120))
    build_snapshot([Alias("many@alias.example", boxes)], snapshot_path)
    first, second = make("mx1"), make("mx2")
    await second.start()
    first.peer_port = second.server.port
    await first.start()
    sink.refuse = {boxes[0]: LATER}
    assert (await first.send(to="many@alias.example")).startswith("451")
    sink.refuse = {}
    assert (await second.send(to="many@alias.example")).startswith("250")
    assert arrived(sink) == sorted(boxes)


@pytest.mark.parametrize(("size", "at_once"), [(100, 5), (2 << 20, 2)])
async def test_a_large_message_goes_to_two_mailboxes_at_once(
    world: World, snapshot_path: Path, size: int, at_once: int
) -> None:
    """Each transaction has a copy of it in memory."""
    boxes = tuple(f"box{number}@mailbox.example" for number in range(5))
    build_snapshot([Alias("many@alias.example", boxes)], snapshot_path)
    await world.start()
    world.pool._slots = asyncio.Semaphore(10)
    message = MESSAGE + (b"x" * 900 + b"\r\n") * (size // 900)
    assert (await world.send(message, to="many@alias.example")).startswith("250")
    assert arrived(world.sink) == sorted(boxes)
    assert world.sink.connections == at_once


async def _tell(world: World, marks: list[str]) -> None:
    raw = await Raw.connect(world.server.port)
    assert "XDELIVERED" in await raw.ask("EHLO mx2.alias.example")
    assert (await raw.ask(f"XDELIVERED {' '.join(marks)}")).startswith("250")
    raw.close()
