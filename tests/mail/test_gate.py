"""The gate with a real Postfix before it: what a sender is told, and what the engines learn of him."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from inventory.schema import Exchange
from lab.mailbox import Mailboxes, new_token
from lab.probe import VERDICT_FIELD, parse_verdict
from lab.send import Reply, Session, submit
from lab.settings import LabHost
from lab.waiting import until
from tests.mail.dialogue import END, answer_to, begin, deliver, greet, send, stuffed
from tests.mail.exchangers import logged, quarantined
from tests.mail.letters import GTUBE, letter

ALIAS, OTHER = "hello@alias.example", "team@alias.example"
FLOODED, MORE = "busy@masked.example", 5
SPELLINGS = (
    '"busy"@masked.example',
    r'"b\usy"@masked.example',
    r"bu\sy@masked.example",
    "busy@masked.example.",
    "@a.example:busy@masked.example",
    "BUSY @ masked.example",
    '"busy@masked.example"',
)
PER_TRANSACTION = 100


def test_spam_is_refused_in_the_session_with_a_reference(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    with Session(exchanger) as session:
        greet(session)
        begin(session)
        reply = send(session, [ALIAS], stuffed(letter(token, GTUBE)) + END)
        begin(session)  # the session is still good for mail that is none
        good = send(session, [ALIAS], stuffed(letter(later := new_token())) + END)

    assert (reply.code, reply.text[:5]) == (550, "5.7.1")
    refused = reply.text.rsplit(" ", 1)[1]
    assert logged("gate", refused)["outcome"] == "spam"
    assert good.code == 250
    mailboxes.wait(later)
    assert not mailboxes.find(token)
    assert not quarantined(token)


def test_mail_is_scanned_once(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    queue_id = deliver(exchanger, letter(token), ALIAS)
    arrived = mailboxes.wait(token)

    line = logged("forwarder", queue_id)
    shown = parse_verdict(arrived.field(VERDICT_FIELD))
    assert line["scanned_by"] == "gate"
    assert shown["engine"] == line["engine"] == logged("gate", queue_id)["engine"] != "none"
    assert "mark" not in shown


def symbols(mailboxes: Mailboxes, token: str) -> str:
    """What the engine found in a message."""
    return parse_verdict(mailboxes.wait(token).field(VERDICT_FIELD))["symbols"]


def test_engines_learn_the_client_s_address_and_the_sender(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    """Who sends from the sender's own MTA passes SPF, who says the same from elsewhere does not."""
    honest = new_token()
    deliver(exchanger, letter(token), ALIAS)
    submit(letter(honest), [ALIAS], through=exchanger)

    assert "R_SPF_FAIL" in symbols(mailboxes, token)
    assert "R_SPF_ALLOW" in symbols(mailboxes, honest)


@pytest.mark.parametrize(("name", "odd"), [("controller.sender.example", False), ("bareword", True)])
def test_engines_learn_how_the_client_calls_itself(
    exchanger: LabHost, mailboxes: Mailboxes, token: str, name: str, odd: bool
) -> None:
    with Session(exchanger) as session:
        session.say(f"EHLO {name}")
        begin(session)
        assert send(session, [ALIAS], stuffed(letter(token)) + END).code == 250

    assert ("HFILTER_HELO_" in symbols(mailboxes, token)) is odd


@contextmanager
def flooded(host: LabHost, exchange: Exchange) -> Iterator[tuple[Session, list[Reply]]]:
    """Name one recipient up to its limit and then some; the last session, and what was refused.

    Recipients of messages that never come count while their transactions are open, and then no more.
    """
    with ExitStack() as stack:
        answered: list[Reply] = []
        while left := exchange.rate_limits.alias.count + MORE - len(answered):
            session = stack.enter_context(Session(host))
            greet(session)
            begin(session)
            several = min(left, PER_TRANSACTION)
            session.write(f"RCPT TO:<{FLOODED}>\r\n".encode() * several)
            answered += [session.read() for _ in range(several)]
        yield session, [reply for reply in answered if reply.code != 250]
    until(lambda: answer_to(host, FLOODED).code == 250, 10, "room again once the transactions are over")


def test_over_the_limit_is_refused_before_the_queue_and_others_are_not(
    one: LabHost, exchange: Exchange
) -> None:
    with flooded(one, exchange) as (session, refused):
        assert len(refused) == MORE
        assert {(reply.code, reply.text) for reply in refused} == {(550, exchange.rate_limits.text)}
        assert refused[0].text.startswith("5.2.1 ")
        assert session.say(f"RCPT TO:<{OTHER}>").code == 250
        assert answer_to(one, OTHER, "").code == 250


def test_no_spelling_of_an_address_dodges_its_limit(one: LabHost, exchange: Exchange) -> None:
    """By the gate, or by Postfix where it does not take the spelling at all."""
    with flooded(one, exchange):
        answers = {spelling: answer_to(one, spelling) for spelling in SPELLINGS}

    taken = {spelling: reply for spelling, reply in answers.items() if reply.code // 100 != 5}
    assert not taken
    assert exchange.rate_limits.text in {reply.text for reply in answers.values()}
