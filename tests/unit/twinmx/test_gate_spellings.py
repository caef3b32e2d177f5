"""An address has many spellings that Postfix takes for one recipient; so must the gate."""

import pytest
from structlog.testing import capture_logs

from tests.unit.twinmx.gatehouse import ALIAS_LIMIT, HELLO, OVER, Gatehouse, mta_of, sent
from tests.unit.twinmx.mta import packet
from tests.unit.twinmx.peers import Engines

SPELLINGS = (
    '"hello"@alias.example',
    r'"h\ello"@alias.example',
    r"hel\lo@alias.example",
    "hello@alias.example.",
    "@a.example:hello@alias.example",
    " HELLO @ alias.example ",
)


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
