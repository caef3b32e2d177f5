"""The forwarder as Postfix sees it: a message in, a reply out, and what postfix-out got."""

import asyncio

import aiosmtplib
import pytest

from tests.unit.twinmx.peers import Raw
from tests.unit.twinmx.world import MESSAGE, SRS, World, header
from twinmx.aliases.model import Alias
from twinmx.aliases.update import build_snapshot


async def test_a_message_reaches_the_mailbox_with_our_marks_and_its_own_bytes(world: World) -> None:
    await world.start()
    assert await world.send() == "250 2.0.0 queued as SINK"
    (envelope,) = world.sink.accepted
    assert envelope.rcpt_tos == ["hello@mailbox.example"]
    assert envelope.mail_from is not None
    assert SRS.reverse(envelope.mail_from) == "a@sender.example"
    assert envelope.mail_from.endswith("@alias.example")
    delivered = world.delivered()
    assert delivered.endswith(MESSAGE)
    assert delivered.startswith(b"Received: from mx1.alias.example ([127.0.0.1])")
    assert "id 4bXyZ1 for <hello@alias.example>;" in header(delivered, "Received")
    assert header(delivered, "X-Twinmx-Trace").startswith("<hello@alias.example> by mx1.alias.example")
    assert header(delivered, "X-Twinmx-Spam").startswith("engine=none; reason=no-engine;")
    assert world.outcomes() == {"forwarded": 1}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xe9\xff\x80 8-bit\r\n", id="8-bit"),
        pytest.param(b".\r\n..\r\n.dot\r\n", id="dots"),
        pytest.param(b"x" * 100_000 + b"\r\n", id="long line"),
        pytest.param(b"bare\nline\rfeeds\n.\nand\r.\r\r\n", id="bare CR and LF"),
        pytest.param(b"trailing  \t\r\n\r\n\r\n", id="trailing space"),
        pytest.param(bytes(range(1, 10)) + b"\r\n", id="control characters"),
    ],
)
async def test_the_body_is_untouched(world: World, body: bytes) -> None:
    await world.start()
    message = b"Subject:  odd\t spacing \r\n folded\r\n\r\n" + body
    port, received = await _recording_server()
    world.pool._port = port  # aiosmtpd splits lines at a bare LF, so a recorder takes its place
    assert (await world.send(message)).startswith("250")
    assert (
        bytes(received).partition(b"Subject:")[2].replace(b"\r\n.", b"\r\n")
        == (message.partition(b"Subject:")[2])
    )


async def _recording_server() -> tuple[int, bytearray]:
    """An SMTP server of three answers that keeps the bytes of DATA as they are on the wire."""
    received = bytearray()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 rec\r\n")
        while line := await reader.readuntil(b"\r\n"):
            if line == b"DATA\r\n":
                writer.write(b"354 go\r\n")
                received.extend(await reader.readuntil(b"\r\n.\r\n"))
                del received[-3:]
            if line == b"QUIT\r\n":
                break
            writer.write(b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 24)
    return server.sockets[0].getsockname()[1], received


async def test_two_mailboxes_get_a_transaction_each(world: World) -> None:
    await world.start()
    assert (await world.send(to="PAIR@Alias.Example")).startswith("250")
    assert sorted(envelope.rcpt_tos for envelope in world.sink.accepted) == [
        ["one@mailbox.example"],
        ["two@post.example"],
    ]


@pytest.mark.parametrize(
    ("to", "reply"),
    [
        ("nobody@alias.example", "550 5.1.1 <nobody@alias.example>: no such alias here"),
        ("OFF@alias.example", "550 5.1.1 <OFF@alias.example>: this alias is disabled"),
        ("SRS0=aaaaaaaa=aa=sender.example=a@alias.example", "550 5.1.1"),
    ],
)
async def test_no_forward_no_mail(world: World, to: str, reply: str) -> None:
    await world.start()
    assert (await world.send(to=to)).startswith(reply)
    assert not world.sink.accepted


async def test_a_disabled_mailbox_gets_no_copy_and_the_others_do(world: World) -> None:
    boxes = ("one@mailbox.example", "two@post.example")
    build_snapshot([Alias("pair@alias.example", boxes, disabled_mailboxes=boxes[:1])], world.snapshot)
    await world.start()
    assert (await world.send(to="pair@alias.example")).startswith("250")
    assert [envelope.rcpt_tos for envelope in world.sink.accepted] == [["two@post.example"]]


async def test_where_every_mailbox_is_disabled_the_sender_hears_of_it_and_of_no_mailbox(world: World) -> None:
    boxes = ("one@mailbox.example", "two@post.example")
    build_snapshot([Alias("pair@alias.example", boxes, disabled_mailboxes=boxes)], world.snapshot)
    await world.start()
    reply = await world.send(to="Pair@alias.example")
    assert reply == "550 5.2.1 <Pair@alias.example>: the mailbox behind this alias is disabled"
    assert not world.sink.accepted


async def test_a_bounce_goes_back_to_the_original_sender_with_a_null_sender(world: World) -> None:
    await world.start()
    rewritten = SRS.rewrite("A.b@sender.example", "alias.example")
    assert (await world.send(sender="", to=rewritten)).startswith("250")
    (envelope,) = world.sink.accepted
    assert envelope.rcpt_tos == ["A.b@sender.example"]
    assert envelope.mail_from in (None, "", "<>")


async def test_smtputf8_and_8bitmime_and_dsn_go_on(world: World) -> None:
    await world.start()
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=world.server.port, local_hostname="out")
    async with client:
        assert "xforward" in client.esmtp_extensions
        await client.mail("dörte@sender.example", options=["BODY=8BITMIME", "SMTPUTF8"], encoding="utf-8")
        await client.rcpt("hello@alias.example")
        await client.data("Subject: Grüße\r\n\r\nä\r\n".encode())
    (envelope,) = world.sink.accepted
    assert envelope.smtp_utf8
    assert "BODY=8BITMIME" in envelope.mail_options
    assert envelope.mail_from is not None
    assert SRS.reverse(envelope.mail_from) == "dörte@sender.example"
    assert header(world.delivered(), "Received").startswith("from out")
    assert "with UTF8SMTP" in header(world.delivered(), "Received")


async def test_of_two_recipients_each_hears_its_own_answer(world: World) -> None:
    await world.start()
    raw = await Raw.connect(world.server.port)
    await raw.ask("EHLO mx1")
    await raw.ask("MAIL FROM:<a@sender.example>")
    assert (await raw.ask("RCPT TO:<nobody@alias.example>")).startswith("250")
    assert (await raw.ask("RCPT TO:<hello@alias.example>")).startswith("452 4.5.3")
    await raw.ask("DATA")
    assert (await raw.ask(MESSAGE.decode() + ".")).startswith("550 5.1.1 <nobody@alias.example>")
    assert not world.sink.accepted
    raw.close()


async def test_a_missing_snapshot_is_451_and_its_return_is_seen(world: World) -> None:
    await world.start()
    world.snapshot.unlink()
    assert (await world.send()).startswith("451 4.3.0")
    build_snapshot([Alias("hello@alias.example", ("new@mailbox.example",))], world.snapshot)
    assert (await world.send()).startswith("250")
    assert world.sink.accepted[0].rcpt_tos == ["new@mailbox.example"]
