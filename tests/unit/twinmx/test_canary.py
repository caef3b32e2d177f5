"""The canary: what is counted of a message that comes back, is lost, is refused, or is taken for spam."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.unit.twinmx.canaries import ALIAS, KEY, MAILBOX, SPAM, TAKEN, Aviary, deliver
from twinmx.canary.letter import GTUBE, compose
from twinmx.canary.token import HEADER, Letter, Signer, Token
from twinmx.headers import values

MARKED = b"X-Twinmx-Spam: engine=rspamd; score=15.00; reject=15.0;\r\n\tseconds=0.01; symbols=A\r\n"


@pytest.fixture
async def aviary(tmp_path: Path) -> AsyncIterator[Aviary]:
    aviary = Aviary(tmp_path)
    yield aviary
    await aviary.stop()


def letter(home: str = "mx1", key: bytes = KEY, kind: Letter = "ham") -> bytes:
    """A message as a canary writes it, which nobody waits for."""
    token = Token.new(home, "mx1", kind)
    return compose(token, Signer([key]), host="mx1.alias.example", alias=ALIAS, mailbox=MAILBOX)


async def test_a_message_that_comes_back_is_timed(aviary: Aviary) -> None:
    await aviary.start()
    await aviary.until("arrived_total", 3)

    state = await aviary.says("/state")
    assert len(state["via"]["mx1"]["delays"]) >= 3
    assert all(0 < delay < 1 for delay in state["via"]["mx1"]["delays"])
    assert await aviary.counted("lost_total") == await aviary.counted("refused_total") == 0
    assert 0 < (await aviary.counted("last_delay_seconds") or 0) < 1
    assert (await aviary.counted("delay_seconds_count") or 0) >= 3
    assert await aviary.counted("delay_seconds_bucket", le="600.0")
    assert set(aviary.exchanger.answers) == {"250 2.0.0 thanks"}


async def test_it_comes_as_a_stranger_with_tls_and_no_bounce_can_come_of_it(aviary: Aviary) -> None:
    await aviary.start()
    await aviary.until("sent_total", 1)

    session, envelope = aviary.exchanger.seen[0]
    assert session.ssl is not None
    assert (session.host_name, envelope.mail_from) == ("mx1.alias.example", "<>")
    assert envelope.rcpt_tos == [ALIAS]


async def test_a_letter_is_whole_and_of_ascii_lines() -> None:
    message = letter()

    for name in ("Date", "From", "To", "Message-ID", "Subject", HEADER):
        assert len(values(message, name)) == 1
    assert values(message, "Auto-Submitted") == [b"auto-generated"]
    assert message.isascii()
    assert message.endswith(b"\r\n")
    assert message.count(b"\n") == message.count(b"\r\n")
    assert GTUBE.encode() not in message
    assert GTUBE.encode() in letter(kind="gtube")


async def test_only_the_last_delays_are_kept(aviary: Aviary) -> None:
    await aviary.start(interval_seconds=0.005)
    await aviary.until("arrived_total", 25)

    assert len((await aviary.says("/state"))["via"]["mx1"]["delays"]) == 20


async def test_what_does_not_come_back_is_waited_for_and_then_lost(aviary: Aviary) -> None:
    aviary.exchanger.ham = "250 2.0.0 Ok: queued as 4bXyZ1"
    aviary.exchanger.keeps = True
    await aviary.start(handover_seconds=0.3, lost_after_seconds=0.4)
    await aviary.until("waiting_seconds", 0.2)
    assert (await aviary.says("/state"))["via"]["mx1"]["waiting"] > 0.1
    with capture_logs() as log:
        await aviary.until("lost_total", 2)

    assert {line["said"] for line in log if line["event"] == "lost"} == {"2.0.0 Ok: queued as 4bXyZ1"}
    assert (await aviary.says("/state"))["via"]["mx1"]["delays"][:2] == [None, None]
    assert await aviary.counted("arrived_total") == 0
    assert await aviary.counted("last_arrival_timestamp_seconds") is None


async def test_what_comes_late_or_twice_is_taken_and_counts_no_more(aviary: Aviary) -> None:
    aviary.exchanger.keeps = True
    await aviary.start(interval_seconds=60, handover_seconds=1, lost_after_seconds=1.2)
    await aviary.until("lost_total", 1)
    late = list(aviary.exchanger.kept)
    await aviary.exchanger.carry()
    aviary.exchanger.kept = late
    await aviary.exchanger.carry()

    assert aviary.exchanger.answers == ["250 2.0.0 thanks"] * 2
    assert await aviary.counted("arrived_total") == 0
    assert await aviary.counted("lost_total") == 1


async def test_a_message_of_an_earlier_life_counts_as_nothing(aviary: Aviary) -> None:
    await aviary.start(interval_seconds=60)
    await aviary.until("arrived_total", 1)

    assert await deliver(aviary.port, letter()) == "250 2.0.0 thanks"
    assert await aviary.counted("arrived_total") == 1


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(letter(key=b"x" * 32), id="forged"),
        pytest.param(letter(home="mx2"), id="another host's"),
        pytest.param(letter().replace(b"letter=ham", b"letter=gtube"), id="changed"),
        pytest.param(b"Subject: hello\r\n\r\nhello\r\n", id="no token"),
        pytest.param(letter().replace(b"Subject: ", b"X-Twinmx-Canary: "), id="a second field"),
        pytest.param(b"\r\n" + letter(), id="token in the body"),
        pytest.param(letter().replace(b"home=mx1", b"home=\xff"), id="not ASCII"),
    ],
)
async def test_nobody_else_s_message_is_taken(aviary: Aviary, message: bytes) -> None:
    await aviary.start(interval_seconds=60)
    await aviary.until("arrived_total", 1)

    assert await deliver(aviary.port, message) == "550 5.7.1 not one of ours"
    assert await aviary.counted("arrived_total") == 1


async def test_there_is_one_mailbox_and_it_is_for_exchangers(aviary: Aviary) -> None:
    await aviary.start(interval_seconds=60)
    await aviary.until("arrived_total", 1)

    assert (await deliver(aviary.port, letter(), "postmaster@mx1.canary.invalid")).startswith("550 5.1.1")
    assert (await deliver(aviary.port, letter(), MAILBOX.upper())).startswith("250")


async def test_a_stranger_is_refused(aviary: Aviary) -> None:
    await aviary.start(interval_seconds=60, listen={"clients": ["192.0.2.1"]})

    assert (await deliver(aviary.port, letter())).startswith("550 5.1.1")


@pytest.mark.parametrize("fault", ["rcpt", "later", "no tls", "hangs"])
async def test_what_cannot_be_handed_over_is_refused_and_nothing_waits_for_it(
    aviary: Aviary, fault: str
) -> None:
    exchanger = aviary.exchanger
    if fault == "rcpt":
        exchanger.rcpt = "550 5.1.1 User unknown"
    elif fault == "later":
        exchanger.ham = "451 4.3.0 not now"
    elif fault == "no tls":
        exchanger.offers_tls = False
    else:
        exchanger.ham, exchanger.keeps = None, True
    await aviary.start(handover_seconds=0.2)
    await aviary.until("refused_total", 2)

    assert (await aviary.says("/state"))["via"]["mx1"]["delays"][:2] == [None, None]
    assert await aviary.counted("sent_total") == 0
    assert await aviary.counted("verdict_wrong_total", letter="ham") == 0


async def test_what_is_back_before_its_exchanger_has_said_so_was_sent(aviary: Aviary) -> None:
    aviary.exchanger.ham = None
    await aviary.start(handover_seconds=1)
    await aviary.until("sent_total", 1)

    assert await aviary.counted("refused_total") == 0
    assert (await aviary.counted("arrived_total") or 0) >= 1


async def test_a_slow_exchanger_is_no_reason_to_send_less_often(aviary: Aviary) -> None:
    aviary.exchanger.ham, aviary.exchanger.keeps = None, True
    await aviary.start(handover_seconds=4)
    async with asyncio.timeout(3):
        while len(aviary.exchanger.seen) < 5:  # noqa: ASYNC110 - a peer sets no event
            await asyncio.sleep(0.01)


async def test_a_session_has_one_deadline_and_not_one_for_each_step(aviary: Aviary) -> None:
    aviary.exchanger.step_seconds = 0.3
    await aviary.start(handover_seconds=0.5)
    await aviary.until("refused_total", 1)

    assert await aviary.counted("sent_total") == 0


async def test_an_exchanger_that_hangs_holds_no_other_up(aviary: Aviary) -> None:
    silent = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.2", aviary.smtp)
    await aviary.start(exchangers={"mx2": "127.0.0.2", "mx1": "127.0.0.1"}, handover_seconds=4)
    await aviary.until("arrived_total", 5)

    assert (await aviary.counted("waiting_seconds", "mx2") or 0) > 0
    assert await aviary.counted("arrived_total", "mx2") == 0
    silent.close()


async def test_ham_that_is_refused_as_spam_is_a_wrong_verdict(aviary: Aviary) -> None:
    aviary.exchanger.ham = SPAM
    await aviary.start()
    await aviary.until("verdict_wrong_total", 1, letter="ham")

    assert (await aviary.counted("refused_total") or 0) >= 1


async def test_ham_that_is_marked_as_spam_is_a_wrong_verdict(aviary: Aviary) -> None:
    aviary.exchanger.field = MARKED
    await aviary.start()
    await aviary.until("verdict_wrong_total", 1, letter="ham")

    assert (await aviary.counted("arrived_total") or 0) >= 1


async def test_spam_is_sent_once_in_a_while_and_must_be_refused(aviary: Aviary) -> None:
    await aviary.start(gtube_seconds=3600)
    await aviary.until("arrived_total", 5)

    assert aviary.exchanger.spam_seen() == 1
    assert await aviary.counted("verdict_wrong_total", letter="gtube") == 0
    assert await aviary.counted("refused_total") == 0


async def test_spam_that_is_accepted_is_a_wrong_verdict_and_no_arrival(aviary: Aviary) -> None:
    aviary.exchanger.gtube = TAKEN
    await aviary.start(interval_seconds=60)
    await aviary.until("verdict_wrong_total", 1, letter="gtube")
    await aviary.until("arrived_total", 1)

    assert await aviary.counted("arrived_total") == await aviary.counted("sent_total") == 1
    assert aviary.exchanger.answers == ["250 2.0.0 thanks"] * 2


async def test_where_nothing_was_decided_about_spam_it_is_sent_again(aviary: Aviary) -> None:
    aviary.exchanger.gtube = "451 4.7.1 not now"
    await aviary.start(gtube_seconds=3600)
    await aviary.until("arrived_total", 5)

    assert aviary.exchanger.spam_seen() > 1
    assert await aviary.counted("verdict_wrong_total", letter="gtube") == 0


async def test_counters_are_there_before_anything_has_happened(aviary: Aviary) -> None:
    """Or the first loss would be no increase."""
    await aviary.start(exchangers={"mx1": "127.0.0.1", "mx9": "127.0.0.9"}, interval_seconds=60)

    for name in ("sent_total", "arrived_total", "lost_total", "refused_total"):
        assert await aviary.counted(name, "mx9") == 0
    for kind in ("ham", "gtube"):
        assert await aviary.counted("verdict_wrong_total", "mx9", letter=kind) == 0
    assert (await aviary.says("/state"))["via"]["mx9"] == {"delays": [], "waiting": 0.0}
    assert await aviary.says("/healthz") == "ok\n"
