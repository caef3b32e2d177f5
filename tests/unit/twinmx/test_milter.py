"""The milter protocol over a socket, with an MTA that says what Postfix says, and one that does not."""

import asyncio

import pytest

from tests.unit.twinmx.mta import BODY, CONTENT, Mta, packet
from tests.unit.twinmx.recorder import HERE, Recorder, seen
from twinmx.milter import answers
from twinmx.milter.server import MilterServer
from twinmx.milter.session import Client, Mail


@pytest.mark.parametrize("options", [0x1FFFFF, 0x81080, 0], ids=["Postfix", "some", "an MTA of old"])
async def test_a_message_is_shown_as_it_will_be(
    milter: MilterServer, recorder: Recorder, options: int
) -> None:
    mta = await Mta.connect(milter.port, options=options)
    await mta.mail()
    assert await mta.rcpt(HERE) == "go on"

    assert await mta.data() == [(b"c", b"")]

    client = Client("out.sender.example", "203.0.113.9", "helo.sender.example")
    assert recorder.begun == [(client, "a@sender.example")]
    assert recorder.recipients == [HERE]
    assert recorder.mails == [Mail("4bXyZ1", CONTENT, len(CONTENT))]
    mta.close()


async def test_only_what_is_offered_is_agreed_upon(milter: MilterServer) -> None:
    quiet, old = await Mta.connect(milter.port), await Mta.connect(milter.port, options=0)

    assert quiet.options & 0x80080 == 0x80080, "no answers to fields and body"
    assert not quiet.options & 0x8000, "RCPT is answered"
    assert quiet.macros.count(b"i\0") == 1, "the queue id is asked for once"
    assert old.options == 0
    quiet.close()
    old.close()


async def test_several_messages_of_a_session_are_kept_apart(milter: MilterServer, recorder: Recorder) -> None:
    mta = await Mta.connect(milter.port)
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
    milter: MilterServer, recorder: Recorder
) -> None:
    mta = await Mta.connect(milter.port)
    await mta.mail()
    await mta.rcpt(HERE)
    await mta.data(b"x" * 1_000_000)

    (mail,) = recorder.mails
    assert len(mail.content) == 200_000
    assert mail.size == 1_000_000 + len(CONTENT) - len(BODY)
    mta.close()


@pytest.mark.parametrize("way", ["RSET", "hang-up", "MAIL"])
async def test_a_message_that_does_not_come_is_abandoned(
    milter: MilterServer, recorder: Recorder, way: str
) -> None:
    mta = await Mta.connect(milter.port)
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
    milter: MilterServer, recorder: Recorder
) -> None:
    mta = await Mta.connect(milter.port)
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


async def test_a_refusal_arrives_as_an_smtp_reply(milter: MilterServer, recorder: Recorder) -> None:
    recorder.answer = answers.refuse("550 5.2.1 100% full")
    mta = await Mta.connect(milter.port)
    await mta.mail()

    assert await mta.rcpt(HERE) == "550 5.2.1 100%% full"  # the MTA takes one per cent sign away again
    mta.close()


async def test_a_recipient_is_what_the_mta_has_made_of_the_argument(
    milter: MilterServer, recorder: Recorder
) -> None:
    mta = await Mta.connect(milter.port)
    await mta.mail()
    mta.unsent += packet(b"D", b"R{rcpt_addr}\0hello@alias.example\0")
    await mta.rcpt("hello")
    await mta.rcpt("next@alias.example")

    assert mta.macros.count(b"{rcpt_addr}\0") == 1, "the macro is asked for"
    assert recorder.recipients == [HERE, "next@alias.example"]
    mta.close()


async def test_a_field_is_put_on_top(milter: MilterServer, recorder: Recorder) -> None:
    recorder.answer = answers.put_header(b"X-New", b"one\n\ttwo") + answers.CONTINUE
    mta = await Mta.connect(milter.port)
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
    milter: MilterServer, recorder: Recorder, noise: bytes
) -> None:
    mta = await Mta.connect(milter.port)
    reader, writer = await asyncio.open_connection("127.0.0.1", milter.port)
    writer.write(noise)
    async with asyncio.timeout(5):
        await reader.read()

    await mta.mail()
    assert await mta.data() == [(b"c", b"")]
    mta.close()
