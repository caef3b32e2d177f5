"""The gate with a real Postfix before it: what a sender is told, and what happens when the gate is ill."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from controller import pyinfra
from inventory.schema import Exchange
from lab import ssh
from lab.mailbox import Mailboxes, new_token
from lab.probe import VERDICT_FIELD, parse_verdict
from lab.send import Reply, Session, submit
from lab.settings import LAB, LabHost
from lab.waiting import until
from tests.mail.dialogue import END, answer_to, begin, deliver, greet, send, stuffed
from tests.mail.exchangers import frozen, quarantined, stopped, wait_until_done, wait_until_well
from tests.mail.letters import GTUBE, PLAIN, letter
from tests.mail.outside import addressed_to

ALIAS, OTHER = "hello@alias.example", "team@alias.example"
MAILBOX = "hello@mailbox.example"
GATE = ("gate.target", "gate@*.service")
WORKERS = "gate@*.service"
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
CONNECT_SECONDS = 2
"""Postfix's `milter_connect_timeout`."""


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return pyinfra.exchange("inventory/lab.py")


@pytest.fixture(autouse=True)
def whole() -> Iterator[None]:
    """What a test has killed or restarted is back before the next one."""
    yield
    for host in LAB.hosts:
        wait_until_well(host)


@pytest.fixture(params=LAB.hosts[:1], ids=["mx1"])
def one(request: pytest.FixtureRequest) -> LabHost:
    """One exchanger, where the other would only show the same again."""
    host: LabHost = request.param
    return host


def logged(host: LabHost, program: str, queue_id: str) -> dict[str, object]:
    """The line in which `program` tells of a message."""
    found = until(
        lambda: ssh.on(host, f"journalctl -q -o cat -u '{program}@*' --grep {queue_id} || true").strip(),
        10,
        f"{queue_id} in the log of the {program}",
    )
    lines = [json.loads(line) for line in found.splitlines() if line.startswith("{")]
    (line,) = (line for line in lines if line["event"] == "message" and line["queue_id"] == queue_id)
    return dict(line)


# -- what a sender is told -----------------------------------------------------------------------------


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
    assert logged(exchanger, "gate", refused)["outcome"] == "spam"
    assert good.code == 250
    mailboxes.wait(later)
    assert not mailboxes.find(token)
    assert not quarantined(token)


def test_mail_is_scanned_once(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    queue_id = deliver(exchanger, letter(token), ALIAS)
    arrived = mailboxes.wait(token)

    line = logged(exchanger, "forwarder", queue_id)
    shown = parse_verdict(arrived.field(VERDICT_FIELD))
    assert line["scanned_by"] == "gate"
    assert shown["engine"] == line["engine"] == logged(exchanger, "gate", queue_id)["engine"] != "none"
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


# -- the gate is ill -----------------------------------------------------------------------------------


def test_without_the_gate_the_forwarder_scans_and_nobody_gets_a_bounce(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    sender, spam = f"{token}@sender.example", new_token()
    with stopped([exchanger], *GATE):
        queue_id = deliver(exchanger, letter(token), ALIAS, sender=sender)
        spam_id = deliver(exchanger, letter(spam, GTUBE), ALIAS, sender=sender)
        (item,) = until(lambda: quarantined(spam), 30, f"{spam} in a quarantine")
        wait_until_done(exchanger, spam_id)
        mailboxes.wait(token)

    assert logged(exchanger, "forwarder", queue_id)["scanned_by"] == "forwarder"
    assert "GTUBE" in item.partition("\r\n\r\n")[0]
    assert f'"sender": "{sender}"' in item
    # what is sent after it on the same way has arrived, so a bounce or the spam itself would have as well
    last = new_token()
    deliver(exchanger, letter(last), ALIAS, sender=sender)
    mailboxes.wait(last)
    assert not mailboxes.find(spam)
    assert not addressed_to(sender)


def test_a_frozen_gate_holds_a_session_no_longer_than_its_timeout(
    one: LabHost, mailboxes: Mailboxes, token: str, exchange: Exchange
) -> None:
    waits = exchange.gate.answer_seconds
    with frozen(one, WORKERS), Session(one, seconds=waits + CONNECT_SECONDS + 2) as session:
        greet(session)
        begin(session)
        reply = send(session, [ALIAS], stuffed(letter(token)) + END)

        assert reply.code == 250
        mailboxes.wait(token)
    assert logged(one, "forwarder", reply.text.rsplit(" ", 1)[1])["scanned_by"] == "forwarder"


def test_a_gate_that_freezes_under_a_message_does_not_lose_it(
    one: LabHost, mailboxes: Mailboxes, token: str, exchange: Exchange
) -> None:
    with Session(one, seconds=exchange.deadlines.milter_seconds + 2) as session:
        greet(session)
        begin(session)
        assert session.say(f"RCPT TO:<{ALIAS}>").code == 250
        with frozen(one, WORKERS):
            reply = send(session, [], stuffed(letter(token)) + END)

    assert reply.code == 250
    mailboxes.wait(token)


def test_one_frozen_worker_refuses_nothing(one: LabHost, mailboxes: Mailboxes, token: str) -> None:
    with frozen(one, "gate@1.service"):
        tokens = deliver_many(one, 12)
        mailboxes_have(mailboxes, tokens)


def test_killed_workers_under_load_lose_and_repeat_nothing(one: LabHost, mailboxes: Mailboxes) -> None:
    with ThreadPoolExecutor(1) as side, killing(one, side):
        tokens = deliver_many(one, 60)
    mailboxes_have(mailboxes, tokens)


def test_a_session_whose_worker_was_killed_goes_on(one: LabHost, mailboxes: Mailboxes) -> None:
    first, second = new_token(), new_token()
    with Session(one) as session:
        greet(session)
        begin(session)
        assert send(session, [ALIAS], stuffed(letter(first)) + END).code == 250
        ssh.on(one, f"systemctl kill --signal=KILL '{WORKERS}'")
        begin(session)
        assert send(session, [ALIAS], stuffed(letter(second)) + END).code == 250

    mailboxes_have(mailboxes, [first, second])


def test_a_restart_ends_messages_that_are_under_way(one: LabHost, mailboxes: Mailboxes, token: str) -> None:
    """The worker waits for it, so it leaves with the gate's verdict."""
    with Session(one) as session:
        greet(session)
        begin(session)
        assert session.say(f"RCPT TO:<{ALIAS}>").code == 250
        ssh.on(one, "systemctl restart --no-block gate.target 'gate@*.service'")
        until(
            lambda: "deactivating" in ssh.on(one, "systemctl show -P ActiveState 'gate@*.service'"),
            10,
            "a worker that waits for our message",
        )
        reply = send(session, [], stuffed(letter(token)) + END)

    assert reply.code == 250
    mailboxes.wait(token)
    assert logged(one, "forwarder", reply.text.rsplit(" ", 1)[1])["scanned_by"] == "gate"


def deliver_many(host: LabHost, number: int) -> list[str]:
    """Have so many messages accepted, six at a time; their tokens."""
    tokens = [new_token() for _ in range(number)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda token: deliver(host, letter(token, PLAIN), ALIAS), tokens))
    return tokens


def mailboxes_have(mailboxes: Mailboxes, tokens: list[str]) -> None:
    """Each message arrives, and arrives once."""
    for token in tokens:
        mailboxes.wait(token)
    assert [len(mailboxes.find(token, MAILBOX)) for token in tokens] == [1] * len(tokens)


@contextmanager
def killing(host: LabHost, side: ThreadPoolExecutor) -> Iterator[None]:
    """Kill the workers again and again meanwhile; at least once."""
    going = [True]

    def kill() -> int:
        rounds = 0
        while going[0] or not rounds:
            ssh.on(host, f"systemctl kill --signal=KILL '{WORKERS}'; true")
            rounds += 1
        return rounds

    killer = side.submit(kill)
    try:
        yield
    finally:
        going[0] = False
        assert killer.result()
