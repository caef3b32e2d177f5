"""Parts of a host are taken away, and mail goes on. Nothing else may use the pair while these run."""

import re

from lab import ssh
from lab.mailbox import Arrived, Mailboxes, new_token
from lab.probe import VERDICT_FIELD, parse_verdict
from lab.send import Reply, Session
from lab.settings import LAB, LabHost
from lab.waiting import until
from tests.mail.dialogue import END, answer_to, begin, deliver, greet, send, stuffed
from tests.mail.exchangers import frozen, is_queued, stopped
from tests.mail.keys import signer
from tests.mail.letters import GTUBE, letter, prepended
from tests.mail.outside import wait_for_mail_to

ALIAS = "hello@alias.example"
FORWARDER = ("forwarder.target", "forwarder@*.service")
ENGINES = ("rspamd.service", "spamd.service")
SCAN_SECONDS = 15
"""Inventory's `spam.total_seconds`; what is sent without a verdict is not sent later than that."""

FIRST_BUDGET_SECONDS = 4
"""Inventory's budget of the first engine: the second one is asked when it is spent."""


def refusal(host: LabHost, content: bytes) -> Reply:
    """What `host` says to a message that it does not take."""
    with Session(host) as session:
        greet(session)
        begin(session)
        reply = send(session, [ALIAS], stuffed(content) + END)
    assert reply.code == 550, reply
    return reply


def verdict(arrived: Arrived) -> dict[str, str]:
    return parse_verdict(arrived.field(VERDICT_FIELD))


def test_the_peer_s_forwarder_takes_over_at_once(
    exchanger: LabHost, other: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    with stopped([exchanger], *FORWARDER):
        queue_id = deliver(exchanger, letter(token), ALIAS, "team@alias.example")
        arrived = mailboxes.wait_for(3, token, seconds=10)
        waiting = ssh.on(exchanger, "postqueue -j")
        unknown = answer_to(exchanger, f"{token}@alias.example")
        known = answer_to(exchanger, ALIAS)
        unsure = answer_to(exchanger, signer().rewrite("a@sender.example", "alias.example"))

    for copy in arrived:
        inbound, forwarder, out, _provider = copy.hops
        assert (inbound.by, inbound.queue_id) == (exchanger.fqdn, queue_id)
        assert (forwarder.source, forwarder.by) == (exchanger.fqdn, other.fqdn)
        assert out.by == f"out.{other.fqdn}"
    assert queue_id not in waiting
    assert unknown.code == 550
    assert known.code == 250
    assert unsure.code == 451


def test_a_bounce_finds_the_peer_while_the_forwarder_is_away(exchanger: LabHost, token: str) -> None:
    """The host that cannot check a rewritten sender says so for now, and the next one takes it."""
    sender = f"{token}@sender.example"
    with stopped([exchanger], *FORWARDER):
        deliver(exchanger, letter(token), "moved@alias.example", sender=sender)
        assert b"gone.example" in wait_for_mail_to(sender, 20)


def test_mail_waits_while_no_forwarder_runs(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    with stopped(list(LAB.hosts), *FORWARDER):
        queue_id = deliver(exchanger, letter(token), ALIAS)
        until(
            lambda: re.search(rf'"deferred".*"{queue_id}"', ssh.on(exchanger, "postqueue -j")),
            20,
            f"{queue_id} deferred",
        )
        assert not mailboxes.find(token)

    ssh.on(exchanger, "postqueue -f")

    mailboxes.wait(token, seconds=20)
    until(lambda: not is_queued(exchanger, queue_id), 10, f"{queue_id} done")
    assert len(mailboxes.find(token)) == 1


def test_the_second_engine_steps_in_for_the_first(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    """Also for the messages that once hung it: what it is given is cut in the middle of a line here."""
    large, spam = new_token(), new_token()
    line = b"words of no interest " * 400 + b"\r\n"
    content = letter(large, line * 200)
    with stopped([exchanger], "rspamd.service"):
        deliver(exchanger, letter(token, b"the end\r\n.\r\n"), ALIAS)
        assert refusal(exchanger, letter(spam, GTUBE)).text.startswith("5.7.1 ")
        deliver(exchanger, content, ALIAS)

        assert verdict(mailboxes.wait(token, seconds=SCAN_SECONDS))["engine"] == "spamassassin"
        assert verdict(mailboxes.wait(large, seconds=SCAN_SECONDS))["engine"] == "spamassassin"

    assert verdict(mailboxes.wait(large))["partial"] == "yes"
    assert not mailboxes.find(spam)


def test_without_an_engine_mail_moves_on_unscanned(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    sent = letter(token)
    with stopped([exchanger], *ENGINES):
        deliver(exchanger, sent, ALIAS)
        arrived = mailboxes.wait(token, seconds=SCAN_SECONDS)

    assert prepended(arrived, sent).count(VERDICT_FIELD) == 1
    assert verdict(arrived)["engine"] == "none"
    assert verdict(arrived)["reason"] == "rspamd:refused,spamassassin:refused"


def test_a_hanging_engine_is_not_waited_for(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    with frozen(exchanger, "rspamd.service"):
        deliver(exchanger, letter(token), ALIAS)
        seen = verdict(mailboxes.wait(token, seconds=SCAN_SECONDS))

    assert seen["engine"] == "spamassassin"
    assert FIRST_BUDGET_SECONDS <= float(seen["seconds"]) < SCAN_SECONDS


def test_hanging_engines_hold_no_message_longer_than_the_deadline(
    one: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    with frozen(one, *ENGINES):
        deliver(one, letter(token), ALIAS)
        seen = verdict(mailboxes.wait(token, seconds=SCAN_SECONDS + 3))

    assert seen["engine"] == "none"
    assert seen["reason"] == "rspamd:late,spamassassin:late"
    assert SCAN_SECONDS <= float(seen["seconds"]) < SCAN_SECONDS + 1
