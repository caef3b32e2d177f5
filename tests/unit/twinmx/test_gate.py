"""The gate as its MTA sees it: what is answered to RCPT, and at the end of a message."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.unit.twinmx.gatehouse import ALIAS_LIMIT, KEY, MAILBOX_LIMIT, Gatehouse
from tests.unit.twinmx.mta import CONTENT, Mta, packet
from tests.unit.twinmx.peers import Engines
from twinmx.aliases.model import Alias
from twinmx.aliases.snapshot import SnapshotError
from twinmx.aliases.update import build_snapshot
from twinmx.gate.background import Background
from twinmx.gate.metrics import MAX_ACCOUNTS
from twinmx.gate.received import received
from twinmx.gate.sparing import Sparing
from twinmx.limits.limiter import Admission
from twinmx.limits.settings import BOUNCES
from twinmx.milter.session import Client
from twinmx.spam.verdict import Scored, Unscanned, unseal
from twinmx.srs import Srs

HELLO = "hello@alias.example"
OVER = "550 5.2.1 too many messages"
SPELLINGS = (
    '"hello"@alias.example',
    r'"h\ello"@alias.example',
    r"hel\lo@alias.example",
    "hello@alias.example.",
    "@a.example:hello@alias.example",
    " HELLO @ alias.example ",
)
BOUNCE = Srs([KEY], 30).rewrite("a@sender.example", "alias.example")


@pytest.fixture
async def gate(tmp_path: Path, snapshot_path: Path) -> AsyncIterator[Gatehouse]:
    gate = Gatehouse(tmp_path, snapshot_path)
    yield gate
    await gate.stop()


async def mta_of(gate: Gatehouse) -> Mta:
    return await Mta.connect(gate.server.port)


async def sent(gate: Gatehouse, *recipients: str, queue_id: bytes = b"4bXyZ1") -> list[tuple[bytes, bytes]]:
    mta = await mta_of(gate)
    await mta.mail()
    for recipient in recipients or (HELLO,):
        assert await mta.rcpt(recipient) == "go on"
    answers = await mta.data(queue_id=queue_id)
    mta.close()
    return answers


async def rcpt(gate: Gatehouse, recipient: str, sender: bytes = b"<a@sender.example>") -> str:
    """The answer to RCPT in a transaction that is then broken off."""
    mta = await mta_of(gate)
    await mta.mail(sender)
    answer = await mta.rcpt(recipient)
    mta.close()
    return answer


def field(answers: list[tuple[bytes, bytes]]) -> bytes:
    """The header field that the answers put on the message, as it will be in the queue."""
    (letter, data), last = answers
    assert (letter, last) == (b"i", (b"c", b""))
    name, value, rest = data[4:].split(b"\0")
    assert rest == b""
    return b"%b:%b\r\n" % (name, value.replace(b"\n", b"\r\n"))


# -- the message ---------------------------------------------------------------------------------------


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


# -- recipients ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipient", "answer", "outcome"),
    [
        ("Hello@Alias.Example", "go on", "accepted"),
        ("Off@alias.example", "550 5.1.1 switched off", "disabled"),
        ('"o\\ff"@alias.example.', "550 5.1.1 switched off", "disabled"),
        ("nobody@alias.example", "go on", "unknown"),
        ("\udcff@alias.example".encode("utf-8", "surrogateescape").decode("latin-1"), "go on", "unknown"),
    ],
)
async def test_recipients(gate: Gatehouse, recipient: str, answer: str, outcome: str) -> None:
    """Who exists has been decided by the MTA before."""
    await gate.start()

    assert await rcpt(gate, recipient) == answer
    assert gate.counted("recipients_total", outcome=outcome) == 1


async def test_a_recipient_of_whom_every_mailbox_is_disabled(gate: Gatehouse) -> None:
    closed = Alias(HELLO, ("hello@mailbox.example",), "ada", True, ("hello@mailbox.example",))
    off = replace(closed, address="off@alias.example", enabled=False)
    build_snapshot([closed, off], gate.snapshot)
    await gate.start()

    assert await rcpt(gate, HELLO) == "550 5.2.1 nobody in"
    assert await rcpt(gate, off.address) == "550 5.1.1 switched off"
    assert gate.counted("recipients_total", outcome="mailbox-disabled") == 1


async def test_a_disabled_mailbox_counts_nothing(gate: Gatehouse) -> None:
    """All that a mailbox may take goes to others, past it; then it has taken nothing."""
    shared, pair = "two@post.example", ("one@mailbox.example", "two@post.example")
    aliases = [Alias(f"a{n}@alias.example", pair, None, True, (shared,)) for n in range(2)]
    # no source says this of `b`; it makes visible what is counted
    build_snapshot([*aliases, Alias("b@alias.example", (shared,))], gate.snapshot)
    await gate.start()
    for number in range(MAILBOX_LIMIT):
        await sent(gate, f"a{number % 2}@alias.example")

    assert await rcpt(gate, "b@alias.example") == "go on"


@pytest.mark.parametrize(
    ("fault", "outcome"), [(SnapshotError("damaged"), "no-snapshot"), (RuntimeError("a bug"), "error")]
)
async def test_a_fault_of_ours_refuses_no_recipient(
    gate: Gatehouse, monkeypatch: pytest.MonkeyPatch, fault: Exception, outcome: str
) -> None:
    await gate.start()

    def fail(_address: str) -> None:
        raise fault

    monkeypatch.setattr(gate.reader, "lookup", fail)

    assert await rcpt(gate, HELLO) == "go on"
    assert gate.counted("recipients_total", outcome=outcome) == 1


# -- limits --------------------------------------------------------------------------------------------


async def test_above_the_limit_of_an_alias_others_are_still_accepted(gate: Gatehouse) -> None:
    await gate.start()
    for _ in range(ALIAS_LIMIT):
        await sent(gate)

    assert await rcpt(gate, HELLO) == OVER
    assert await rcpt(gate, "pair@alias.example") == "go on"
    assert gate.counted("recipients_total", outcome="over-alias") == 1
    assert gate.counted("limited_total", account="ada") == 1


async def test_a_refused_recipient_leaves_the_others_of_the_message(gate: Gatehouse) -> None:
    await gate.start()
    for _ in range(ALIAS_LIMIT):
        await sent(gate)
    mta = await mta_of(gate)
    await mta.mail()

    assert await mta.rcpt(HELLO) == OVER
    assert await mta.rcpt("pair@alias.example") == "go on"
    assert (await mta.data())[-1] == (b"c", b"")
    mta.close()


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_of_an_alias_dodges_its_limit(gate: Gatehouse, spelling: str) -> None:
    """Postfix takes each for the same recipient, and shows it as the client has typed it."""
    await gate.start()
    mta = await mta_of(gate)
    await mta.mail()
    assert await mta.rcpt(spelling) == "go on"
    for _ in range(ALIAS_LIMIT - 1):
        assert await mta.rcpt(HELLO) == "go on"

    assert await mta.rcpt(spelling) == OVER
    assert await mta.rcpt(HELLO) == OVER
    mta.close()


async def test_an_alias_counts_under_what_postfix_has_made_of_the_argument(gate: Gatehouse) -> None:
    """`<hello>` is completed with the first domain: nothing in the argument tells that."""
    await gate.start()
    mta = await mta_of(gate)
    await mta.mail()
    for _ in range(ALIAS_LIMIT):
        assert await mta.rcpt(HELLO) == "go on"
    mta.unsent += packet(b"D", b"R{rcpt_addr}\0" + HELLO.encode() + b"\0")

    assert await mta.rcpt("hello") == OVER
    mta.close()


async def test_an_address_that_postfix_accepted_and_we_do_not_know_counts_too(gate: Gatehouse) -> None:
    await gate.start()
    mta = await mta_of(gate)
    await mta.mail()
    for _ in range(ALIAS_LIMIT):
        assert await mta.rcpt("Nobody@alias.example") == "go on"

    assert await mta.rcpt('"nobody"@alias.example') == OVER
    assert await mta.rcpt(HELLO) == "go on"
    mta.close()


async def test_engines_and_log_have_the_one_spelling(gate: Gatehouse, fake: Engines) -> None:
    gate.engines["rspamd"] = await fake.rspamd(1.0, [])
    await gate.start()
    with capture_logs() as lines:
        await sent(gate, SPELLINGS[0])

    assert b"\r\nRcpt: hello@alias.example\r\n" in fake.requests[0]
    assert [line["recipient"] for line in lines if line["event"] == "message"] == [[HELLO]]


@pytest.mark.parametrize("way", ["RSET", "hang-up", "spam"])
async def test_what_was_not_accepted_is_not_counted(gate: Gatehouse, fake: Engines, way: str) -> None:
    gate.engines["rspamd"] = await fake.rspamd(20.0, [])
    await gate.start()
    for _ in range(ALIAS_LIMIT + 1):
        mta = await mta_of(gate)
        await mta.mail()
        assert await mta.rcpt(HELLO) == "go on"
        if way == "spam":
            assert (await mta.data())[-1][0] == b"y"
        elif way == "RSET":
            await mta.abort()
            await mta.mail()  # the answer to its RCPT says that the RSET has been seen
            await mta.rcpt("nobody@alias.example")
        mta.writer.write_eof()
        assert await mta.ended()
        mta.close()


async def test_the_answer_to_spam_does_not_wait_for_what_is_taken_back(
    gate: Gatehouse, fake: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.engines["rspamd"] = await fake.rspamd(20.0, [])
    await gate.start()
    valkey_answers, released = asyncio.Event(), asyncio.Event()

    async def release(_admission: Admission) -> None:
        await valkey_answers.wait()
        released.set()

    monkeypatch.setattr(gate.limiter, "release", release)

    assert (await sent(gate))[-1][0] == b"y"
    assert not released.is_set()
    valkey_answers.set()
    await gate.desk.background.close(5)
    assert released.is_set()


async def test_a_stop_does_not_wait_for_ever_for_what_is_in_the_background() -> None:
    background, cancelled = Background(), asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    background.start(endless())
    await asyncio.sleep(0)  # it has begun
    await background.close(0)

    assert cancelled.is_set()


async def test_a_fault_in_the_background_is_logged() -> None:
    background = Background()

    async def fail() -> None:
        raise RuntimeError("a bug")

    with capture_logs() as lines:
        background.start(fail())
        await background.close(5)

    assert [line["log_level"] for line in lines] == ["error"]


async def test_bounces_have_a_wider_window_than_other_mail_to_their_address(gate: Gatehouse) -> None:
    """A mailing list gets many at once, and they must come home; a flood of them must not."""
    await gate.start()
    mta = await mta_of(gate)
    await mta.mail(b"<>")
    for _ in range(BOUNCES * ALIAS_LIMIT):
        assert await mta.rcpt(BOUNCE) == "go on"
    assert await mta.rcpt(BOUNCE.upper()) == OVER
    assert gate.counted("recipients_total", outcome="bounce") == BOUNCES * ALIAS_LIMIT

    await mta.mail(b"<a@sender.example>")
    for _ in range(ALIAS_LIMIT):
        assert await mta.rcpt(BOUNCE.upper()) == "go on"
    assert await mta.rcpt(BOUNCE) == OVER
    mta.close()


async def test_a_bounce_to_an_alias_counts(gate: Gatehouse) -> None:
    """Or a flood with the null sender would pass."""
    await gate.start()
    mta = await mta_of(gate)
    await mta.mail(b"<>")
    for _ in range(ALIAS_LIMIT):
        assert await mta.rcpt(HELLO) == "go on"

    assert await mta.rcpt(HELLO) == OVER
    mta.close()


async def test_the_replay_of_2021_refuses_nothing_before_the_queue(gate: Gatehouse) -> None:
    await gate.start(limited=False)
    for _ in range(ALIAS_LIMIT + 1):
        assert (await sent(gate))[-1] == (b"c", b"")


async def test_accounts_in_metrics_are_bounded(gate: Gatehouse) -> None:
    await gate.start()
    for number in range(MAX_ACCOUNTS + 50):
        gate.metrics.count_limited(f"account{number}")

    assert gate.counted("limited_total", account="account0") == 1
    assert gate.counted("limited_total", account="other") == 50


# -- the log -------------------------------------------------------------------------------------------


async def test_each_message_has_a_line_with_its_queue_id(gate: Gatehouse) -> None:
    await gate.start()
    with capture_logs() as lines:
        await sent(gate)

    (line,) = (line for line in lines if line["event"] == "message")
    assert line["queue_id"] == "4bXyZ1"
    assert line["recipient"] == [HELLO]
    assert line["sender"] == "a@sender.example"
    assert line["size"] == len(CONTENT)


async def test_refusals_are_logged_sparingly(gate: Gatehouse) -> None:
    await gate.start()
    mta = await mta_of(gate)
    await mta.mail()
    with capture_logs() as lines:
        for _ in range(20):
            await mta.rcpt("off@alias.example")
    mta.close()

    refused = [line for line in lines if line["event"] == "recipient refused"]
    assert 1 <= len(refused) < 20
    assert (refused[0]["outcome"], refused[0]["recipient"]) == ("disabled", "off@alias.example")


def test_a_line_says_how_many_were_left_out() -> None:
    now = 0.0
    sparing = Sparing(2, lambda: now)

    assert [sparing.allows() for _ in range(5)] == [0, 0, None, None, None]
    now = 1.0
    assert sparing.allows() == 3
