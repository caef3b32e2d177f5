"""The gate is stopped, frozen, killed or restarted behind a real Postfix: no mail is lost or doubled."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from inventory.schema import Exchange
from lab import ssh
from lab.mailbox import Mailboxes, new_token
from lab.send import Session
from lab.settings import LAB, LabHost
from lab.waiting import until
from lab.well import wait_until_well
from tests.mail.dialogue import END, begin, deliver, greet, send, stuffed
from tests.mail.exchangers import frozen, logged, quarantined, stopped, wait_until_done
from tests.mail.letters import GTUBE, PLAIN, letter
from tests.mail.outside import addressed_to

ALIAS = "hello@alias.example"
MAILBOX = "hello@mailbox.example"
GATE = ("gate.target", "gate@*.service")
WORKERS = "gate@*.service"
CONNECT_SECONDS = 2
"""Postfix's `milter_connect_timeout`."""


@pytest.fixture(autouse=True)
def whole() -> Iterator[None]:
    """What a test has killed or restarted is back before the next one."""
    yield
    for host in LAB.hosts:
        wait_until_well(host)


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

    assert logged("forwarder", queue_id)["scanned_by"] == "forwarder"
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
    assert logged("forwarder", reply.text.rsplit(" ", 1)[1])["scanned_by"] == "forwarder"


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
    assert logged("forwarder", reply.text.rsplit(" ", 1)[1])["scanned_by"] == "gate"


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
