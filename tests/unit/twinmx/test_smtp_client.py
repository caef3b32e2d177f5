"""The SMTP client: what it puts on the wire, and what it does when a server leaves."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from tests.unit.twinmx.peers import Sink
from twinmx.smtp.client import TransactionError
from twinmx.smtp.envelope import Envelope, Recipient, Reply
from twinmx.smtp.pool import Pool, UnreachableError
from twinmx.smtp.replies import ProtocolError, ReplyReader

ONE = Envelope("a@sender.example", (Recipient("b@mailbox.example"),))
TWO = Envelope("a@sender.example", (Recipient("b@mailbox.example"), Recipient("c@mailbox.example")))
EHLO = b"250-here\r\n250-PIPELINING\r\n250-SIZE 1\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN\r\n"
Script = list[tuple[bytes, bytes]]


class Scripted:
    """A server of prepared exchanges: per connection, what it must be sent and what it answers.

    An answer of b"" closes the connection.
    """

    def __init__(self) -> None:
        self.sessions: list[Script] = []
        self.seen: list[bytes] = []
        self.connections = 0
        self.left = asyncio.Event()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.sessions[self.connections]
        self.connections += 1
        writer.write(b"220 here\r\n")
        for until, answer in [(b"EHLO us\r\n", EHLO), *script]:
            self.seen.append(await reader.readuntil(until))
            if not answer:
                break
            writer.write(answer)
        else:
            await reader.read()
            self.left.set()
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    scripted = Scripted()
    await scripted.start()
    yield scripted
    scripted.close()


@pytest.fixture
async def pool_to() -> AsyncIterator[Callable[[int], Pool]]:
    pools: list[Pool] = []

    def make(port: int) -> Pool:
        pools.append(Pool("127.0.0.1", port, "us", 1))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


PoolTo = Callable[[int], Pool]
TAKEN: Script = [(b"DATA\r\n", b"250 ok\r\n250 ok\r\n354 go\r\n"), (b"\r\n.\r\n", b"250 2.0.0 queued\r\n")]


async def test_one_recipient_is_one_write_with_all_parameters(server: Scripted, pool_to: PoolTo) -> None:
    server.sessions = [TAKEN]
    envelope = Envelope(
        "a@sender.example",
        (Recipient("b@mailbox.example", "NEVER", "rfc822;x@alias.example"),),
        body="8BITMIME",
        smtputf8=True,
        ret="FULL",
        envid="E1",
    )
    outcome = await pool_to(server.port).send(envelope, b".x\r\nno end", 2)
    assert outcome.reply == Reply(250, "2.0.0", "queued")
    assert server.seen[1] == (
        b"MAIL FROM:<a@sender.example> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=E1\r\n"
        b"RCPT TO:<b@mailbox.example> NOTIFY=NEVER ORCPT=rfc822;x@alias.example\r\n"
        b"DATA\r\n"
    )
    assert server.seen[2] == b"..x\r\nno end\r\n.\r\n"


async def test_a_connection_is_used_again(sink: Sink, pool_to: PoolTo) -> None:
    pool = pool_to(sink.port)
    for _ in range(3):
        assert (await pool.send(ONE, b"x\r\n", 2)).reply.accepted
    assert (sink.connections, len(sink.accepted)) == (1, 3)


async def test_a_connection_that_nobody_uses_is_left(
    server: Scripted, pool_to: PoolTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would hold a process of the server that others wait for."""
    monkeypatch.setattr("twinmx.smtp.pool._MAX_IDLE_SECONDS", 0.05)
    server.sessions = [TAKEN, TAKEN]
    pool = pool_to(server.port)
    for _ in range(2):
        assert (await pool.send(ONE, b"x\r\n", 2)).reply.accepted
        async with asyncio.timeout(2):
            await server.left.wait()
        server.left.clear()
    assert server.connections == 2


async def test_no_more_connections_than_allowed(sink: Sink, pool_to: PoolTo) -> None:
    pool = pool_to(sink.port)
    await asyncio.gather(*(pool.send(ONE, b"x\r\n", 5) for _ in range(10)))
    assert (sink.connections, len(sink.accepted)) == (1, 10)


async def test_of_two_recipients_nothing_is_sent_when_one_is_refused(
    server: Scripted, pool_to: PoolTo
) -> None:
    server.sessions = [
        [
            (b"RCPT TO:<c@mailbox.example>\r\n", b"250 ok\r\n250 ok\r\n550 5.1.1 no\r\n"),
            (b"RSET\r\n", b"250 ok\r\n"),
        ]
    ]
    outcome = await pool_to(server.port).send(TWO, b"x\r\n", 2)
    assert outcome.reply == Reply(550, "5.1.1", "no")
    assert [answer.code for answer in outcome.recipients] == [250, 550]


async def test_a_refused_sender_concerns_all(sink: Sink, pool_to: PoolTo, server: Scripted) -> None:
    server.sessions = [
        [(b"DATA\r\n", b"452 4.3.1 full\r\n503 no\r\n503 no\r\n"), (b"RSET\r\n", b"250 ok\r\n")]
    ]
    outcome = await pool_to(server.port).send(ONE, b"x\r\n", 2)
    assert outcome.reply == Reply(452, "4.3.1", "full")
    assert outcome.recipients == (outcome.reply,)


async def test_a_message_that_must_not_go_is_not_ended(server: Scripted, pool_to: PoolTo) -> None:
    server.sessions = [[(b"DATA\r\n", b"250 ok\r\n550 no\r\n354 go\r\n")]]
    outcome = await pool_to(server.port).send(ONE, b"x\r\n", 2)
    assert outcome.reply.code == 550
    assert len(server.seen) == 2


@pytest.mark.parametrize("farewell", [b"", b"421 4.4.2 idle\r\n"], ids=["closes", "421"])
async def test_a_kept_connection_that_died_is_replaced_once(
    server: Scripted, pool_to: PoolTo, farewell: bytes
) -> None:
    server.sessions = [[*TAKEN, (b"DATA\r\n", farewell)], TAKEN]
    pool = pool_to(server.port)
    assert (await pool.send(ONE, b"one\r\n", 2)).reply.accepted
    assert (await pool.send(ONE, b"two\r\n", 2)).reply.accepted
    assert server.connections == 2


async def test_a_fresh_connection_that_dies_is_an_error(server: Scripted, pool_to: PoolTo) -> None:
    server.sessions = [[(b"DATA\r\n", b"")], TAKEN]
    with pytest.raises(TransactionError) as caught:
        await pool_to(server.port).send(ONE, b"x\r\n", 2)
    assert not caught.value.committed
    assert server.connections == 1


async def test_a_server_that_says_421_is_quoted(server: Scripted, pool_to: PoolTo) -> None:
    server.sessions = [[(b"DATA\r\n", b"421 4.3.2 shutting down\r\n")]]
    with pytest.raises(TransactionError, match=r"^421 4\.3\.2 shutting down$"):
        await pool_to(server.port).send(ONE, b"x\r\n", 2)


async def test_after_the_final_dot_nothing_is_repeated(server: Scripted, pool_to: PoolTo) -> None:
    server.sessions = [[*TAKEN, TAKEN[0], (b"\r\n.\r\n", b"")], TAKEN]
    pool = pool_to(server.port)
    await pool.send(ONE, b"one\r\n", 2)
    with pytest.raises(TransactionError) as caught:
        await pool.send(ONE, b"two\r\n", 2)
    assert caught.value.committed
    assert server.connections == 1


async def test_a_silent_server_is_left_in_time_and_not_kept(server: Scripted, pool_to: PoolTo) -> None:
    server.sessions = [[(b"DATA\r\n", b"250 ok\r\n")], TAKEN]
    pool = pool_to(server.port)
    with pytest.raises(TimeoutError):
        await pool.send(ONE, b"x\r\n", 0.1)
    async with asyncio.timeout(2):
        await server.left.wait()
    assert (await pool.send(ONE, b"x\r\n", 2)).reply.accepted
    assert server.connections == 2


async def test_no_server_is_unreachable(pool_to: PoolTo) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(UnreachableError):
            await pool_to(unused.getsockname()[1]).send(ONE, b"x\r\n", 2)


async def test_utf8_is_not_sent_where_it_is_not_announced(pool_to: PoolTo) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"250 x\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    outcome = await pool_to(server.sockets[0].getsockname()[1]).send(
        Envelope("ä@sender.example", ONE.recipients, smtputf8=True), b"x\r\n", 2
    )
    assert outcome.reply.enhanced == "5.6.7"
    server.close()


async def test_a_line_feed_cannot_reach_the_wire(sink: Sink, pool_to: PoolTo) -> None:
    evil = Envelope("a@sender.example>\r\nRCPT TO:<x@y.example", ONE.recipients)
    with pytest.raises(ValueError, match="control character"):
        await pool_to(sink.port).send(evil, b"x\r\n", 2)
    assert not sink.accepted


def test_replies_come_in_any_pieces() -> None:
    wire = b"250-2.1.0 one\r\n250 2.1.0 two\r\n354 go\r\n421\r\n"
    for size in (1, 5, 100):
        reader = ReplyReader()
        replies = [reply for at in range(0, len(wire), size) for reply in reader.feed(wire[at : at + size])]
        assert replies == [Reply(250, "2.1.0", "one\ntwo"), Reply(354, "", "go"), Reply(421, "", "")]


@pytest.mark.parametrize("wire", [b"hello\r\n", b"99 x\r\n", b"250x\r\n", b"\r\n", b"x" * 70_000])
def test_what_is_no_reply_is_an_error(wire: bytes) -> None:
    with pytest.raises(ProtocolError):
        ReplyReader().feed(wire)
