"""The SMTP server as its client sees it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_network

import pytest

from tests.unit.twinmx.peers import Raw
from twinmx.smtp.dialogue import Limits
from twinmx.smtp.envelope import Envelope, Origin, Recipient, Reply
from twinmx.smtp.server import Server

OK = Reply(250, "2.0.0", "taken")
MAIL = "MAIL FROM:<a@sender.example>"
RCPT = "RCPT TO:<b@alias.example>"
Start = Callable[..., Awaitable[Server]]


class Handler:
    """Keeps what it gets; waits for `gate` first."""

    def __init__(self) -> None:
        self.taken: list[tuple[Envelope, bytes]] = []
        self.reply: Reply | Exception = OK
        self.gate = asyncio.Event()
        self.gate.set()
        self.busy = asyncio.Event()

    async def __call__(self, envelope: Envelope, message: bytes) -> Reply:
        self.busy.set()
        await self.gate.wait()
        self.taken.append((envelope, message))
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


@pytest.fixture
async def handler() -> Handler:
    return Handler()


@pytest.fixture
async def start(handler: Handler) -> AsyncIterator[Start]:
    servers: list[Server] = []

    async def make(
        *,
        clients: str = "127.0.0.0/8",
        size: int = 10_000,
        recipients: int = 3,
        idle: float = 30,
        connections: int = 5,
    ) -> Server:
        server = Server(
            "mx1.alias.example",
            handler,
            clients=[ip_network(clients)],
            limits=Limits(size, recipients, idle),
            max_connections=connections,
        )
        await server.listen("127.0.0.1", 0)
        servers.append(server)
        return server

    yield make
    for server in servers:
        await server.stop(0)


async def ready(server: Server) -> Raw:
    raw = await Raw.connect(server.port)
    await raw.ask("EHLO client.example")
    return raw


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
        (["MAIL FROM:<a@b.example> AUTH=<>"], "555 5.5.4"),
        (["MAIL FROM:<a@b.example> SIZE=1 SIZE=2"], "501"),
        (["MAIL FROM:<ä@b.example>"], "553 5.6.7"),
        ([f"MAIL FROM:<{'x' * 600}@b.example>"], "501"),
        ([MAIL, "RCPT TO:<>"], "501 5.1.3"),
        ([MAIL, "RCPT TO:<ä@b.example>"], "553 5.6.7"),
        ([MAIL, f"{RCPT} NOTIFY=NEVER,SUCCESS"], "501"),
        ([MAIL, f"{RCPT} ORCPT=none"], "501"),
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


async def test_mail_before_ehlo_and_bytes_that_are_no_text(start: Start) -> None:
    raw = await Raw.connect((await start()).port)
    assert (await raw.ask(MAIL)).startswith("503 5.5.1 EHLO first")
    await raw.send(b"NOOP \xff\r\n")
    assert (await raw.reply()).startswith("500 5.5.2")


async def test_a_command_without_end_is_cut(start: Start) -> None:
    raw = await ready(await start())
    await raw.send(b"NOOP " + b"x" * 5000)
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


async def test_silence_is_421(start: Start) -> None:
    raw = await ready(await start(idle=0.1))
    assert (await raw.reply()).startswith("421 4.4.2")
    assert await raw.ended()


async def test_a_slow_handler_is_not_silence(start: Start, handler: Handler) -> None:
    handler.gate.clear()
    raw = await ready(await start(idle=0.05))
    await raw.send(f"{MAIL}\r\n{RCPT}\r\nDATA\r\n".encode())
    await raw.replies(3)
    await raw.send(b"x\r\n.\r\n")
    await handler.busy.wait()
    asyncio.get_running_loop().call_later(0.2, handler.gate.set)
    assert await raw.reply() == "250 2.0.0 taken"


async def test_nothing_is_read_while_a_message_is_in_hand(start: Start, handler: Handler) -> None:
    handler.gate.clear()
    raw = await ready(await start())
    await raw.send(f"{MAIL}\r\n{RCPT}\r\nDATA\r\n".encode())
    await raw.replies(3)
    await raw.send(b"x\r\n.\r\n")
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
    await working.send(f"{MAIL}\r\n{RCPT}\r\nDATA\r\n".encode())
    await working.replies(3)
    await working.send(b"x\r\n.\r\n")
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
    await raw.send(f"{MAIL}\r\n{RCPT}\r\nDATA\r\n".encode())
    await raw.replies(3)
    await raw.send(b"x\r\n.\r\n")
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
