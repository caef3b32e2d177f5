"""The SMTP server as its client sees it: commands, parameters, replies."""

import asyncio

import pytest

from tests.unit.twinmx.peers import Raw
from tests.unit.twinmx.serving import MAIL, RCPT, Handler, Start, ready
from twinmx.smtp.envelope import Envelope, Origin, Recipient


async def test_ehlo_names_what_we_do(start: Start) -> None:
    raw = await Raw.connect((await start()).port, greeting=False)
    assert await raw.reply() == "220 mx1.alias.example ESMTP twinmx"
    lines = (await raw.ask("EHLO [127.0.0.1]")).split("\n")
    assert [line[4:].split()[0] for line in lines] == [
        "mx1.alias.example",
        "PIPELINING",
        "SIZE",
        "8BITMIME",
        "SMTPUTF8",
        "DSN",
        "ENHANCEDSTATUSCODES",
        "XFORWARD",
    ]
    assert "250-SIZE 10000" in lines


async def test_a_whole_session_in_one_write(start: Start, handler: Handler) -> None:
    raw = await Raw.connect((await start()).port)
    transaction = f"{MAIL}\r\n{RCPT}\r\nDATA\r\n".encode()
    await raw.send(b"EHLO c\r\n" + transaction + b"one\r\n.\r\n" + transaction + b"two\r\n.\r\nQUIT\r\n")
    codes = [reply[:3] for reply in await raw.replies(10)]
    assert codes == ["250", "250", "250", "354", "250", "250", "250", "354", "250", "221"]
    assert [message for _, message in handler.taken] == [b"one\r\n", b"two\r\n"]
    assert await raw.ended()


async def test_every_parameter_arrives(start: Start, handler: Handler) -> None:
    raw = await ready(await start())
    await raw.ask("MAIL FROM:<dörte@sender.example> SIZE=9 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B")
    await raw.ask("RCPT TO:<b@alias.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@alias.example")
    await raw.ask('RCPT TO:<"a b>"@alias.example>')
    await raw.ask("DATA")
    assert await raw.ask("hi\r\n.") == "250 2.0.0 taken"
    ((envelope, message),) = handler.taken
    assert message == b"hi\r\n"
    assert envelope == Envelope(
        "dörte@sender.example",
        (
            Recipient("b@alias.example", "SUCCESS,DELAY", "rfc822;b@alias.example"),
            Recipient('"a b>"@alias.example'),
        ),
        body="8BITMIME",
        smtputf8=True,
        size=9,
        ret="HDRS",
        envid="QQ+2B",
        helo="client.example",
        peer="127.0.0.1",
    )


async def test_xforward_is_decoded_and_ends_with_the_transaction(start: Start, handler: Handler) -> None:
    raw = await ready(await start())
    assert (await raw.ask("XFORWARD NAME=out.example ADDR=IPV6:2001:db8::1 PORT=1234 PROTO=ESMTP"))[
        :3
    ] == "250"
    assert (await raw.ask("XFORWARD HELO=a+2Bb IDENT=4bXy SOURCE=[UNAVAILABLE]"))[:3] == "250"
    for body in ("one", "two"):
        await raw.ask(MAIL)
        await raw.ask(RCPT)
        await raw.ask("DATA")
        await raw.ask(f"{body}\r\n.")
    first, second = (envelope.origin for envelope, _ in handler.taken)
    assert first == Origin("out.example", "2001:db8::1", "1234", "ESMTP", "a+b", "4bXy", None)
    assert second == Origin()


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([MAIL, "EHLO", MAIL], "503 5.5.1 MAIL was given already"),
        (["RSET", RCPT], "503 5.5.1 MAIL first"),
        (["DATA"], "503 5.5.1 MAIL first"),
        ([MAIL, "DATA"], "554 5.5.1 no valid recipients"),
        ([MAIL, "XFORWARD NAME=x"], "503 5.5.1 not inside"),
        ([MAIL, RCPT, RCPT, RCPT, RCPT], "452 4.5.3"),
        (["HELO"], "501 5.5.4 a host name"),
        (["EHLO a b"], "501 5.5.4 a host name"),
        (["NONSENSE"], "500 5.5.1"),
        (["AUTH PLAIN"], "500 5.5.1"),
        (["STARTTLS"], "500 5.5.1"),
        (["BDAT 3 LAST"], "500 5.5.1"),
        (["MAIL"], "501"),
        (["MAIL FROM:a@b.example"], "501"),
        (["MAIL FROM:<a@b.example"], "501"),
        (["MAIL FROM:<a@b.example>SIZE=1"], "501"),
        (["MAIL FROM:<a b@c.example>"], "501"),
        (["MAIL FROM:<a@b.example> SIZE=x"], "501"),
        (["MAIL FROM:<a@b.example> SIZE=10001"], "552 5.3.4"),
        (["MAIL FROM:<a@b.example> BODY=BINARYMIME"], "501"),
        (["MAIL FROM:<a@b.example> SMTPUTF8=1"], "501"),
        (["MAIL FROM:<a@b.example> SIZE="], "501"),
        (["MAIL FROM:<a@b.example> AUTH=<>"], "555 5.5.4"),
        (["MAIL FROM:<a@b.example> SIZE=1 SIZE=2"], "501"),
        (["MAIL FROM:<ä@b.example>"], "553 5.6.7"),
        ([MAIL, "RCPT TO:<>"], "501 5.1.3"),
        ([MAIL, "RCPT TO:<ä@b.example>"], "553 5.6.7"),
        (["XFORWARD"], "501"),
        (["XFORWARD NAME"], "501"),
        (["XFORWARD COLOUR=red"], "501"),
        (["XFORWARD NAME=a+0D+0Ab"], "501"),
        (["XFORWARD NAME=a+zz"], "501"),
        (["NOOP a\nb"], "500 5.5.2"),
        (["NOOP \0"], "500 5.5.2"),
        (["VRFY postmaster"], "252"),
        (["NOOP"], "250"),
        (["rset"], "250"),
    ],
)
async def test_answers(start: Start, lines: list[str], reply: str) -> None:
    raw = await ready(await start())
    answers = [await raw.ask(line) for line in lines]
    assert answers[-1].startswith(reply)
    assert (await raw.ask("NOOP")).startswith("250"), "the session goes on"


@pytest.mark.parametrize(
    ("mail", "rcpt"),
    [
        pytest.param(f"ENVID={'x' * 101}", "", id="a long ENVID"),
        pytest.param("ENVID=a+zz", "", id="an ENVID that is no xtext"),
        pytest.param("ENVID= RET=SOME", "", id="an empty ENVID, an odd RET"),
        pytest.param("", "ORCPT=none", id="an ORCPT without a type"),
        pytest.param("", "ORCPT=rfc822;a=b", id="an ORCPT that is no xtext"),
        pytest.param("", f"ORCPT=rfc822;{'x' * 500}", id="a long ORCPT"),
        pytest.param("", "NOTIFY=NEVER,SUCCESS", id="a NOTIFY that contradicts itself"),
    ],
)
async def test_odd_wishes_for_reports_are_dropped_and_the_message_is_taken(
    start: Start, handler: Handler, mail: str, rcpt: str
) -> None:
    """Postfix has accepted the message: a refusal would be a bounce."""
    raw = await ready(await start())
    for line in (f"{MAIL} {mail}", f"{RCPT} {rcpt}", "DATA"):
        assert (await raw.ask(line))[:1] in "23"
    assert (await raw.ask("hi\r\n.")).startswith("250")
    ((envelope, _),) = handler.taken
    assert (envelope.ret, envelope.envid) == (None, None)
    assert envelope.recipients == (Recipient("b@alias.example"),)


async def test_a_sender_as_long_as_postfix_takes_it_is_taken(start: Start, handler: Handler) -> None:
    sender = f'"{"x" * 1900}\u3000"@sender.example'
    raw = await ready(await start())
    for line in (f"MAIL FROM:<{sender}> SMTPUTF8", f"{RCPT} ORCPT=rfc822;{'+2B' * 2000}", "DATA"):
        assert (await raw.ask(line))[:1] in "23"
    assert (await raw.ask("hi\r\n.")).startswith("250")
    assert handler.taken[0][0].sender == sender


async def test_mail_before_ehlo_and_bytes_that_are_no_text(start: Start) -> None:
    raw = await Raw.connect((await start()).port)
    assert (await raw.ask(MAIL)).startswith("503 5.5.1 EHLO first")
    await raw.send(b"NOOP \xff\r\n")
    assert (await raw.reply()).startswith("500 5.5.2")


async def test_a_command_without_end_is_cut(start: Start) -> None:
    raw = await ready(await start())
    await raw.send(b"NOOP " + b"x" * 20_000)
    assert (await raw.reply()).startswith("500 5.5.2 command line too long")
    assert await raw.ended()


async def test_a_message_over_the_limit_is_552_and_the_session_goes_on(
    start: Start, handler: Handler
) -> None:
    raw = await ready(await start())
    for command in (MAIL, RCPT, "DATA"):
        await raw.ask(command)
    assert (await raw.ask("x" * 20_000 + "\r\n.")).startswith("552 5.3.4")
    assert not handler.taken
    assert (await raw.ask(MAIL)).startswith("250")


async def test_a_handler_that_fails_is_451(start: Start, handler: Handler) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    handler.reply = RuntimeError("boom")
    raw = await ready(await start())
    for command in (MAIL, RCPT, "DATA"):
        await raw.ask(command)
    assert (await raw.ask("x\r\n.")).startswith("451 4.3.0")
