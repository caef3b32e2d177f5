"""What the gate counts against a limit, what it does not, and what is refused above it."""

import pytest

from tests.unit.twinmx.gatehouse import ALIAS_LIMIT, HELLO, KEY, OVER, Gatehouse, mta_of, rcpt, sent
from tests.unit.twinmx.peers import Engines
from twinmx.aliases.model import Alias
from twinmx.aliases.update import build_snapshot
from twinmx.gate.metrics import MAX_ACCOUNTS
from twinmx.limits.settings import BOUNCES
from twinmx.srs import Srs

BOUNCE = Srs([KEY], 30).rewrite("a@sender.example", "alias.example")


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


async def test_accounts_in_metrics_are_bounded_and_those_of_today_have_their_names(gate: Gatehouse) -> None:
    await gate.start()
    for number in range(MAX_ACCOUNTS):
        gate.metrics.count_limited(f"account{number}")
    gate.metrics.count_limited("account0")
    gate.metrics.count_limited("today")

    assert gate.counted("limited_total", account="today") == 1
    assert gate.counted("limited_total", account="account0") == 2
    assert gate.counted("limited_total", account="account1") == 0, "refused last longest ago"
    assert gate.counted("limited_total", account="account2") == 1


async def test_an_alias_without_an_account_is_named_and_an_address_of_nobody_is_not(gate: Gatehouse) -> None:
    build_snapshot([Alias(HELLO, ("hello@mailbox.example",), None)], gate.snapshot)
    await gate.start()
    mta = await mta_of(gate)
    await mta.mail(b"<a@sender.example>")
    for recipient in (HELLO, BOUNCE):
        answers = [await mta.rcpt(recipient) for _ in range(ALIAS_LIMIT + 1)]
        assert answers[-1] == OVER
    mta.close()

    assert gate.counted("limited_total", account=HELLO) == 1
    assert gate.counted("limited_total", account="other") == 1
