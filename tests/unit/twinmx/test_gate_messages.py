"""What the gate makes of a whole message: a verdict for the forwarder, a refusal, or nothing."""

import pytest

from tests.unit.twinmx.gatehouse import HELLO, KEY, Gatehouse, mta_of, sent
from tests.unit.twinmx.mta import CONTENT
from tests.unit.twinmx.peers import Engines
from twinmx.gate.received import received
from twinmx.milter.session import Client
from twinmx.spam.verdict import Scored, Unscanned, unseal


def field(answers: list[tuple[bytes, bytes]]) -> bytes:
    """The header field that the answers put on the message, as it will be in the queue."""
    (letter, data), last = answers
    assert (letter, last) == (b"i", (b"c", b""))
    name, value, rest = data[4:].split(b"\0")
    assert rest == b""
    return b"%b:%b\r\n" % (name, value.replace(b"\n", b"\r\n"))


async def test_a_message_gets_a_verdict_that_the_forwarder_believes(gate: Gatehouse, fake: Engines) -> None:
    gate.engines["rspamd"] = await fake.rspamd(1.5, ["ONE", "TWO"])
    await gate.start()

    verdict = unseal(field(await sent(gate)) + CONTENT, [KEY], "4bXyZ1")

    assert isinstance(verdict, Scored)
    assert (verdict.engine, verdict.score, verdict.symbols) == ("rspamd", 1.5, ("ONE", "TWO"))
    assert gate.counted("messages_total", outcome="accepted") == 1


async def test_spam_is_refused_with_a_reference(gate: Gatehouse, fake: Engines) -> None:
    gate.engines["rspamd"] = await fake.rspamd(15.0, ["BAD"])
    await gate.start()

    ((letter, reply),) = await sent(gate)

    assert letter == b"y"
    assert reply.startswith(b"550 5.7.1 ")
    assert reply.endswith(b"ref 4bXyZ1\0")
    assert gate.counted("messages_total", outcome="spam") == 1


async def test_engines_see_the_message_the_envelope_and_the_client(gate: Gatehouse, fake: Engines) -> None:
    gate.engines["rspamd"] = await fake.rspamd(1.0, [])
    await gate.start()

    await sent(gate, HELLO, "pair@alias.example")

    head, _, body = fake.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert body == CONTENT
    for line in (
        b"IP: 203.0.113.9",
        b"Helo: helo.sender.example",
        b"Hostname: out.sender.example",
        b"From: a@sender.example",
        b"Rcpt: hello@alias.example",
        b"Rcpt: pair@alias.example",
        b"Queue-Id: 4bXyZ1",
    ):
        assert line in lines


async def test_spamassassin_sees_the_hop_that_postfix_will_add(gate: Gatehouse, fake: Engines) -> None:
    gate.engines["spamassassin"] = await fake.spamd(1.0, [])
    await gate.start()

    await sent(gate)

    assert (
        b"Received: from helo.sender.example (out.sender.example [203.0.113.9])\r\n"
        b"\tby mx1.example (Postfix) with ESMTP id 4bXyZ1 for <hello@alias.example>;\r\n\t"
    ) in fake.requests[0]


def test_what_a_stranger_says_cannot_break_out_of_the_trace() -> None:
    client = Client("na\r\nme", "2001:db8::1", "evil) by trusted\r\n\r\nX: é")

    made = received("mx1.example", client, "4bXyZ1", ["a@b", "c@d"])

    assert made.startswith(b"Received: from evil??by?trusted????X:?? (na??me [IPv6:2001:db8::1])\r\n\tby mx1")
    assert made.count(b"\r\n") == made.count(b"\n") == 3
    assert b"for <" not in made


async def test_without_an_answer_of_an_engine_mail_goes_on_and_is_marked(
    gate: Gatehouse, fake: Engines
) -> None:
    gate.engines["rspamd"] = await fake.rspamd_fault("silent")
    await gate.start()

    verdict = unseal(field(await sent(gate)) + CONTENT, [KEY], "4bXyZ1")

    assert isinstance(verdict, Unscanned)
    assert verdict.reason == "rspamd:late"
    assert gate.counted("messages_total", outcome="unscanned") == 1


async def test_a_large_message_is_known_to_be_larger_than_what_was_scanned(
    gate: Gatehouse, fake: Engines
) -> None:
    gate.engines["rspamd"] = await fake.rspamd(1.0, [])
    await gate.start()
    mta = await mta_of(gate)
    await mta.mail()
    await mta.rcpt(HELLO)

    verdict = unseal(field(await mta.data(b"x" * 200_000)), [KEY], "4bXyZ1")

    assert isinstance(verdict, Scored)
    assert verdict.partial
    mta.close()


async def test_a_message_without_a_queue_id_is_left_to_the_forwarder(gate: Gatehouse) -> None:
    await gate.start()

    assert await sent(gate, queue_id=b"") == [(b"c", b"")]


async def test_a_fault_of_ours_refuses_no_message(gate: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    await gate.start()
    monkeypatch.setattr(gate.chain, "scan", None)

    assert await sent(gate) == [(b"c", b"")]
    assert gate.counted("messages_total", outcome="error") == 1
