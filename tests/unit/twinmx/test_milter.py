"""The milter protocol over a socket, with an MTA that says what Postfix says, and one that does not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.twinmx.mta import BODY, CONTENT, Mta, packet
from twinmx.milter import answers
from twinmx.milter.packets import ProtocolError, Splitter, client_of, macros_of
from twinmx.milter.server import MilterServer
from twinmx.milter.session import Client, Mail

HERE = "hello@alias.example"


class Recorder:
    """A filter that notes what it is shown; a message waits for `gate`."""

    def __init__(self) -> None:
        self.begun: list[tuple[Client, str]] = []
        self.recipients: list[str] = []
        self.mails: list[Mail] = []
        self.abandoned = asyncio.Event()
        self.busy = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.answer = answers.CONTINUE

    def begin(self, client: Client, sender: str) -> "Recorder":
        self.begun.append((client, sender))
        return self

    async def recipient(self, address: str) -> bytes:
        self.recipients.append(address)
        return self.answer

    async def message(self, mail: Mail) -> bytes:
        self.busy.set()
        await self.gate.wait()
        self.mails.append(mail)
        return self.answer

    async def abandon(self) -> None:
        self.abandoned.set()


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def server(recorder: Recorder) -> AsyncIterator[MilterServer]:
    server = MilterServer(recorder.begin, keep=200_000)
    await server.listen("127.0.0.1", 0)
    yield server
    await server.stop(0)


async def connected(server: MilterServer) -> Mta:
    """A session that the server has taken up."""
    mta = await Mta.connect(server.port)
    await mta.flush()
    return mta


async def seen(event: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await event.wait()


@pytest.mark.parametrize("options", [0x1FFFFF, 0x81080, 0], ids=["Postfix", "some", "an MTA of old"])
async def test_a_message_is_shown_as_it_will_be(
    server: MilterServer, recorder: Recorder, options: int
) -> None:
    mta = await Mta.connect(server.port, options=options)
    await mta.mail()
    assert await mta.rcpt(HERE) == "go on"

    assert await mta.data() == [(b"c", b"")]

    client = Client("out.sender.example", "203.0.113.9", "helo.sender.example")
    assert recorder.begun == [(client, "a@sender.example")]
    assert recorder.recipients == [HERE]
    assert recorder.mails == [Mail("4bXyZ1", CONTENT, len(CONTENT))]
    mta.close()


async def test_only_what_is_offered_is_agreed_upon(server: MilterServer) -> None:
    quiet, old = await Mta.connect(server.port), await Mta.connect(server.port, options=0)

    assert quiet.options & 0x80080 == 0x80080, "no answers to fields and body"
    assert not quiet.options & 0x8000, "RCPT is answered"
    assert quiet.macros.count(b"i\0") == 1, "the queue id is asked for once"
    assert old.options == 0
    quiet.close()
    old.close()


async def test_several_messages_of_a_session_are_kept_apart(server: MilterServer, recorder: Recorder) -> None:
    mta = await Mta.connect(server.port)
    for queue_id in (b"one", b"two"):
        await mta.mail(b"<>")
        await mta.rcpt(HERE)
        await mta.data(queue_id=queue_id)

    assert [mail.queue_id for mail in recorder.mails] == ["one", "two"]
    assert [mail.content for mail in recorder.mails] == [CONTENT, CONTENT]
    assert [sender for _, sender in recorder.begun] == ["", ""]
    assert not recorder.abandoned.is_set()
    mta.close()


async def test_of_a_large_message_the_head_is_kept_and_all_is_counted(
    server: MilterServer, recorder: Recorder
) -> None:
    mta = await Mta.connect(server.port)
    await mta.mail()
    await mta.rcpt(HERE)
    await mta.data(b"x" * 1_000_000)

    (mail,) = recorder.mails
    assert len(mail.content) == 200_000
    assert mail.size == 1_000_000 + len(CONTENT) - len(BODY)
    mta.close()


@pytest.mark.parametrize("way", ["RSET", "hang-up", "MAIL"])
async def test_a_message_that_does_not_come_is_abandoned(
    server: MilterServer, recorder: Recorder, way: str
) -> None:
    mta = await Mta.connect(server.port)
    await mta.mail()
    await mta.rcpt(HERE)
    if way == "RSET":
        await mta.abort()
    elif way == "MAIL":
        await mta.mail()
        await mta.flush()
    else:
        mta.close()

    await seen(recorder.abandoned)
    mta.close()


async def test_an_abandoned_message_leaves_nothing_to_the_next(
    server: MilterServer, recorder: Recorder
) -> None:
    mta = await Mta.connect(server.port)
    await mta.mail()
    await mta.rcpt(HERE)
    await mta.say(b"L", b"X-Left\0 over\0", silent=0x80)
    mta.unsent += packet(b"D", b"Ei\0old\0")
    await mta.abort()
    await mta.mail()
    await mta.rcpt(HERE)
    await mta.data(queue_id=b"")

    assert recorder.mails == [Mail("", CONTENT, len(CONTENT))]
    mta.close()


async def test_a_refusal_arrives_as_an_smtp_reply(server: MilterServer, recorder: Recorder) -> None:
    recorder.answer = answers.refuse("550 5.2.1 100% full")
    mta = await Mta.connect(server.port)
    await mta.mail()

    assert await mta.rcpt(HERE) == "550 5.2.1 100%% full"  # the MTA takes one per cent sign away again
    mta.close()


async def test_a_recipient_is_what_the_mta_has_made_of_the_argument(
    server: MilterServer, recorder: Recorder
) -> None:
    mta = await Mta.connect(server.port)
    await mta.mail()
    mta.unsent += packet(b"D", b"R{rcpt_addr}\0hello@alias.example\0")
    await mta.rcpt("hello")
    await mta.rcpt("next@alias.example")

    assert mta.macros.count(b"{rcpt_addr}\0") == 1, "the macro is asked for"
    assert recorder.recipients == [HERE, "next@alias.example"]
    mta.close()


@pytest.mark.parametrize(
    "reply",
    ["250 2.0.0 ok", "550 4.2.1 mixed", "550 no code", "550 5.2.1 two\r\nlines", "550 5.2.1 é", "550 5.2.1 "],
)
def test_a_reply_that_an_mta_would_not_take_is_not_made(reply: str) -> None:
    with pytest.raises(ValueError, match="not a reply"):
        answers.refuse(reply)


async def test_a_field_is_put_on_top(server: MilterServer, recorder: Recorder) -> None:
    recorder.answer = answers.put_header(b"X-New", b"one\n\ttwo") + answers.CONTINUE
    mta = await Mta.connect(server.port)
    await mta.mail()

    assert await mta.data() == [(b"i", b"\0\0\0\0X-New\0 one\n\ttwo\0"), (b"c", b"")]
    mta.close()


@pytest.mark.parametrize(
    "noise",
    [
        b"EHLO not a milter\r\n",
        b"\0\0\0\0",
        b"\xff\xff\xff\xffO",
        packet(b"O", b"short"),
        packet(b"R", b"<a@b>\0"),
        packet(b"E"),
        packet(b"B", b"body"),
        packet(b"Z"),
        packet(b"M", b""),
        packet(b"M", b"<a>\0") + packet(b"L", b"no end"),
        packet(b"D", b"Ename\0"),
    ],
)
async def test_who_does_not_speak_the_protocol_is_hung_up_on_and_nobody_else(
    server: MilterServer, recorder: Recorder, noise: bytes
) -> None:
    mta = await Mta.connect(server.port)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(noise)
    async with asyncio.timeout(5):
        await reader.read()

    await mta.mail()
    assert await mta.data() == [(b"c", b"")]
    mta.close()


async def test_a_stop_ends_idle_sessions_and_lets_the_message_under_way_end(
    server: MilterServer, recorder: Recorder
) -> None:
    idle, busy = await connected(server), await connected(server)
    recorder.gate.clear()
    await busy.mail()
    last = asyncio.create_task(busy.data())
    await seen(recorder.busy)
    port = server.port

    stopping = asyncio.create_task(server.stop(60, idle_seconds=0.01))

    assert await idle.ended()
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)
    recorder.gate.set()
    assert await last == [(b"c", b"")]
    assert await busy.ended()
    await stopping


async def test_while_it_stops_open_sessions_are_served_until_their_client_leaves(
    server: MilterServer, recorder: Recorder
) -> None:
    """An MTA goes on without a filter that hangs up: the rest of its session would have no limits."""
    mta = await connected(server)
    stopping = asyncio.create_task(server.stop(60, idle_seconds=60))
    await asyncio.sleep(0)  # it has begun

    for queue_id in (b"one", b"two"):
        await mta.mail()
        assert await mta.rcpt(HERE) == "go on"
        assert await mta.data(queue_id=queue_id) == [(b"c", b"")]
    mta.unsent += packet(b"Q")
    await mta.flush()

    await stopping
    assert [mail.queue_id for mail in recorder.mails] == ["one", "two"]


async def test_while_it_stops_a_session_that_was_idle_may_begin_a_message(server: MilterServer) -> None:
    busy, idle = await connected(server), await connected(server)
    stopping = asyncio.create_task(server.stop(60, idle_seconds=1))
    await busy.mail()
    assert await busy.rcpt(HERE) == "go on"

    assert await idle.ended()  # its second is over, and so would be that of the other
    assert await busy.data() == [(b"c", b"")]
    busy.close()
    await stopping


async def test_a_session_that_never_idles_is_ended_at_the_limit_of_a_stop(server: MilterServer) -> None:
    mta = await connected(server)
    await mta.mail()
    assert await mta.rcpt(HERE) == "go on"

    await server.stop(0.01, idle_seconds=60)

    assert await mta.ended()


async def test_a_stop_does_not_wait_for_ever(server: MilterServer, recorder: Recorder) -> None:
    recorder.gate.clear()
    mta = await Mta.connect(server.port)
    await mta.mail()
    waiting = asyncio.create_task(mta.data())
    await seen(recorder.busy)

    await server.stop(0)

    with pytest.raises(asyncio.IncompleteReadError):
        await waiting
    assert recorder.abandoned.is_set()


@given(
    st.lists(st.tuples(st.sampled_from([b"L", b"B", b"E"]), st.binary(max_size=40)), max_size=8), st.data()
)
def test_packets_are_the_same_however_the_stream_is_cut(
    packets: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(packet(letter, content) for letter, content in packets)
    splitter, start = Splitter(), 0
    found: list[tuple[bytes, bytes]] = []
    while start < len(stream):
        end = data.draw(st.integers(start + 1, len(stream)))
        found += splitter.feed(stream[start:end])
        start = end
    assert found == packets


@given(st.binary(max_size=60))
def test_odd_packets_are_a_protocol_error_or_nothing(data: bytes) -> None:
    client_of(data)
    try:
        macros_of(data)
        list(Splitter().feed(data))
    except ProtocolError:
        pass


@pytest.mark.parametrize(
    ("data", "client"),
    [
        (b"name\x004\x00\x19192.0.2.1\0", (b"name", b"192.0.2.1")),
        (b"name\x006\x00\x19IPv6:2001:db8::1\0", (b"name", b"2001:db8::1")),
        (b"name\x006\x00\x192001:db8::1\0", (b"name", b"2001:db8::1")),
        (b"local\x00L\x00\x00/run/socket\0", (b"local", b"")),
        (b"unknown\x00U", (b"unknown", b"")),
    ],
)
def test_clients_of_every_family(data: bytes, client: tuple[bytes, bytes]) -> None:
    assert client_of(data) == client
