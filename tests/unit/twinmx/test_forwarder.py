"""The forwarder as Postfix sees it: a message in, a reply out, and what postfix-out got."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from tests.unit.twinmx.peers import Engines, Raw, Sink
from tests.unit.twinmx.world import KEY, MESSAGE, SRS, World, header
from twinmx.aliases.model import Alias
from twinmx.aliases.update import build_snapshot
from twinmx.limits.settings import Limits
from twinmx.quarantine import Quarantine
from twinmx.spam.verdict import Scored, Unscanned, Verdict, seal


@pytest.fixture
async def world(tmp_path: Path, snapshot_path: Path, sink: Sink) -> AsyncIterator[World]:
    world = World(tmp_path, snapshot_path, sink)
    yield world
    await world.stop()


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


async def test_a_missing_snapshot_is_451_and_its_return_is_seen(world: World) -> None:
    await world.start()
    world.snapshot.unlink()
    assert (await world.send()).startswith("451 4.3.0")
    build_snapshot([Alias("hello@alias.example", ("new@mailbox.example",))], world.snapshot)
    assert (await world.send()).startswith("250")
    assert world.sink.accepted[0].rcpt_tos == ["new@mailbox.example"]


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


async def test_a_forged_verdict_does_not_survive(world: World, fake: Engines) -> None:
    world.engines["rspamd"] = await fake.rspamd(1.25, ["R_SPF_ALLOW"])
    await world.start()
    forged = b"x-twinmx-spam: engine=rspamd; score=-99;\r\n folded\r\nX-Twinmx-Spam-Extra: 1\r\n"
    await world.send(forged + MESSAGE)
    assert world.delivered().lower().count(b"x-twinmx-spam") == 1
    assert header(world.delivered(), "X-Twinmx-Spam").startswith("engine=rspamd; score=1.25; reject=15.0")


async def test_spam_is_kept_not_bounced(world: World, fake: Engines) -> None:
    world.engines["spamassassin"] = await fake.spamd(1000.0, ["GTUBE"])
    await world.start()
    assert (await world.send()).startswith("250")
    assert not world.sink.accepted
    store = Quarantine(world.quarantine)
    (name,) = store.names()
    item = store.read(name)
    assert item.message.endswith(MESSAGE)
    assert b"symbols=GTUBE" in item.message
    assert item.envelope["recipient"] == "hello@alias.example"
    assert item.envelope["verdict"]["score"] == 1000.0


async def test_a_quarantine_that_cannot_be_written_keeps_the_message_with_postfix(
    world: World, fake: Engines
) -> None:
    world.engines["rspamd"] = await fake.rspamd(99.0, [])
    await world.start()
    world.quarantine.rmdir()
    assert (await world.send()).startswith("451 4.3.0")


@pytest.mark.parametrize(
    ("grace_seconds", "reply", "outcome"), [(5.0, "250", "quarantined"), (0.1, "451 4.4.2", "deadline")]
)
async def test_what_is_being_kept_at_the_deadline_is_not_kept_again(
    world: World,
    fake: Engines,
    monkeypatch: pytest.MonkeyPatch,
    grace_seconds: float,
    reply: str,
    outcome: str,
) -> None:
    """A 451 would bring the message back while a slow disk still takes the first copy."""
    world.engines["rspamd"] = await fake.rspamd(99.0, [])
    disk, store = threading.Event(), Quarantine.store

    def slowly(self: Quarantine, *arguments: Any) -> str:
        disk.wait(5)
        return store(self, *arguments)

    monkeypatch.setattr(Quarantine, "store", slowly)
    await world.start(total_seconds=0.2, grace_seconds=grace_seconds)
    asyncio.get_running_loop().call_later(0.5, disk.set)
    assert (await world.send()).startswith(reply)
    assert world.outcomes() == {outcome: 1}
    disk.set()


async def test_the_engine_learns_who_sent_it(world: World, fake: Engines) -> None:
    world.engines["rspamd"] = await fake.rspamd(0.0, [])
    await world.start()
    await world.send()
    request = fake.requests[0].lower()
    for line in (
        b"queue-id: 4bxyz1",
        b"from: a@sender.example",
        b"rcpt: hello@alias.example",
        b"ip: 203.0.113.9",
        b"helo: out",
        b"hostname: out.sender.example",
    ):
        assert b"\r\n" + line + b"\r\n" in request


@pytest.mark.parametrize("fault", ["silent", "garbage", "refused", "closing"])
async def test_mail_moves_on_when_both_engines_fail(world: World, fake: Engines, fault: str) -> None:
    world.engines["rspamd"] = await fake.rspamd_fault(fault)
    world.engines["spamassassin"] = await fake.spamd_fault(fault)
    await world.start()
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    assert (await world.send()).startswith("250")
    assert loop.time() - started_at < 1.5
    assert header(world.delivered(), "X-Twinmx-Spam").startswith("engine=none; reason=rspamd:")


def sealed(verdict: Verdict, ident: str = "4bXyZ1", key: bytes = KEY) -> bytes:
    """The message as the gate leaves it."""
    name, value = seal(verdict, 15.0, key, ident)
    return name + b": " + value.replace(b"\n", b"\r\n") + b"\r\n" + MESSAGE


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Scored("rspamd", 3.5, ("R_SPF_ALLOW",), 0.1), "engine=rspamd; score=3.5"),
        (Unscanned("rspamd:late", 15.0), "engine=none; reason=rspamd:late"),
    ],
)
async def test_the_verdict_of_the_gate_is_taken_over(
    world: World, fake: Engines, verdict: Verdict, said: str
) -> None:
    world.engines["rspamd"] = await fake.rspamd(99.0, [])
    await world.start()
    assert (await world.send(sealed(verdict))).startswith("250")
    assert not fake.requests
    assert world.delivered().count(b"X-Twinmx-Spam") == 1
    field = header(world.delivered(), "X-Twinmx-Spam")
    assert field.startswith(said)
    assert "mark" not in field
    assert world.scanned() == {"gate": 1}


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(sealed(Scored("rspamd", 0.0, (), 0.1), ident="4bXyZ2"), id="another message's"),
        pytest.param(sealed(Scored("rspamd", 0.0, (), 0.1), key=b"x" * 32), id="another key"),
        pytest.param(sealed(Scored("rspamd", 0.0, (), 0.1)).replace(b"=0.00", b"=-9.00"), id="changed"),
        pytest.param(MESSAGE, id="none"),
    ],
)
async def test_without_a_verdict_of_the_gate_the_forwarder_scans(
    world: World, fake: Engines, message: bytes
) -> None:
    world.engines["rspamd"] = await fake.rspamd(99.0, [])
    await world.start()
    assert (await world.send(message)).startswith("250")
    assert not world.sink.accepted
    assert world.outcomes() == {"quarantined": 1}
    assert world.scanned() == {"forwarder": 1}


@pytest.mark.parametrize("code", [450, 421])
async def test_a_replay_of_june_2021_defers_after_the_queue(world: World, code: int, tmp_path: Path) -> None:
    """Valkey is away here, so the worker counts by itself."""
    world.limits = limits(tmp_path, code)
    await world.start()
    world.sink.final = "451 4.3.0 not now"
    for _ in range(3):
        assert await world.send() == "451 4.3.0 not now", "what was not accepted does not count"
    world.sink.final = "250 2.0.0 ok"
    assert [(await world.send())[:9] for _ in range(3)] == ["250 2.0.0", "250 2.0.0", f"{code} 4.2.1"]
    assert (await world.send(to="pair@alias.example")).startswith("250")
    bounce = SRS.rewrite("a@sender.example", "alias.example")
    for _ in range(3):
        assert (await world.send(to=bounce, sender="")).startswith("250")
    assert world.outcomes()["limited"] == 1


async def test_a_session_ends_with_a_421(world: World, tmp_path: Path) -> None:
    world.limits = limits(tmp_path, 421)
    await world.start()
    raw = await Raw.connect(world.server.port)
    await raw.ask("EHLO mx1")
    for code in ("250", "250", "421"):
        for command in ("MAIL FROM:<a@sender.example>", "RCPT TO:<hello@alias.example>", "DATA"):
            await raw.ask(command)
        assert (await raw.ask(MESSAGE.decode() + ".")).startswith(code)
    assert await raw.ended()


def limits(tmp_path: Path, code: int) -> Limits:
    window = {"count": 2, "window_seconds": 3600}
    return Limits.model_validate(
        {
            "alias": window,
            "mailbox": {**window, "count": 100},
            "answer": code,
            "text": "5.2.1 too many messages",
            "valkey": {"socket": tmp_path / "nobody.sock", "wait_seconds": 0.1},
        }
    )


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
