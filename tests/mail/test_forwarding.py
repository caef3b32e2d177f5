"""A message goes in at one exchanger and comes out at a mailbox: what the recipient's side sees."""

import hashlib
import re

import pytest

from lab.mailbox import Mailboxes
from lab.probe import VERDICT_FIELD, parse_verdict
from lab.send import Session, submit
from lab.settings import OUTSIDE, LabHost
from tests.mail.dialogue import END, begin, deliver, greet, send, stuffed
from tests.mail.letters import letter, prepended, stored
from tests.mail.outside import wait_for_mail_to
from twinmx.srs import is_srs

HELLO = "hello@mailbox.example"
BODY = b"First line.\r\n\r\n.\r\n..two dots\r\n \t trailing blanks \t \r\nLast line.\r\n"


def test_a_message_takes_the_whole_way(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    submit(letter(token), ["hello@alias.example"], through=exchanger)

    arrived = mailboxes.wait(token, HELLO)

    # the forwarder may be the other host's while this one's workers are being restarted
    assert [(hop.by, hop.protocol) for hop in arrived.hops][:2] == [
        (OUTSIDE.fqdn, "ESMTP"),
        (exchanger.fqdn, "ESMTPS"),
    ]
    forwarder, out, provider = arrived.hops[2:]
    assert forwarder.source == exchanger.fqdn
    assert forwarder.queue_id == arrived.hops[1].queue_id
    assert out.by == f"out.{forwarder.by}"
    assert provider.by == OUTSIDE.fqdn
    times = [hop.time for hop in arrived.hops if hop.time]
    assert times == sorted(times)
    assert len(times) == 5


def test_the_verdict_and_the_trace_stand_in_front_once(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    sent = letter(token)
    queue_id = deliver(exchanger, sent, "hello@alias.example")

    arrived = mailboxes.wait(token, HELLO)

    names = prepended(arrived, sent)
    assert names.count(VERDICT_FIELD) == 1
    assert names.count("X-Twinmx-Trace") == 1
    assert set(names) <= {
        "Return-Path",
        "X-Original-To",
        "Delivered-To",
        "Received",
        VERDICT_FIELD,
        "X-Twinmx-Trace",
        "ARC-Seal",
        "ARC-Authentication-Results",
        "ARC-Message-Signature",
    }
    verdict = parse_verdict(arrived.field(VERDICT_FIELD))
    assert verdict["engine"] in ("rspamd", "spamassassin")
    assert float(verdict["score"]) < float(verdict["reject"])
    assert 0 < float(verdict["seconds"]) < 15
    trace = arrived.field("X-Twinmx-Trace")
    assert trace is not None
    assert re.fullmatch(rf"<hello@alias\.example> by mx[12]\.alias\.example id {queue_id} mark \w+", trace)


def test_header_and_body_stay_as_they_were(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    odd = (
        b"X-Folded: one\r\n\ttwo\r\n   three ",
        b"received-spf: pass",
        b"Sender: no.domain",
    )
    sent = letter(token, BODY, *odd)
    deliver(exchanger, sent, "hello@alias.example")

    arrived = mailboxes.wait(token, HELLO)

    prepended(arrived, sent)
    assert hashlib.sha256(arrived.body).digest() == hashlib.sha256(stored(BODY)).digest()


def test_the_sender_is_rewritten_to_come_home(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    deliver(exchanger, letter(token), "shop@masked.example", sender="Some.One@sender.example")

    arrived = mailboxes.wait(token, "carla@post.example")

    local, domain = arrived.sender.rsplit("@", 1)
    assert domain == "masked.example"
    assert is_srs(local)
    assert local.endswith("=sender.example=Some.One")


def test_a_bounce_to_an_alias_keeps_its_null_sender(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    deliver(exchanger, letter(token), "hello@alias.example", sender="")

    assert mailboxes.wait(token, HELLO).sender == ""


def test_a_failure_is_reported_as_asked_and_a_success_not_at_all(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    """The parameters of RFC 3461 are kept on every hop; but no success: that names the mailbox.

    The second message goes the same way after the first, so its report would not be the first to come.
    """
    sender = f"{token}@sender.example"
    ask_for_reports(exchanger, sender, "hello", "SUCCESS,FAILURE", token)
    mailboxes.wait(token, HELLO)
    ask_for_reports(exchanger, sender, "moved", "FAILURE", token)

    report = wait_for_mail_to(sender)

    assert HELLO.encode() not in report
    assert f"Original-Envelope-Id: {token}.moved".encode() in report
    assert b"Original-Recipient: rfc822;moved@alias.example" in report
    assert b"\nAction: failed" in report
    assert b"Last line." not in report


def ask_for_reports(exchanger: LabHost, sender: str, alias: str, notify: str, token: str) -> None:
    with Session(exchanger) as session:
        greet(session)
        begin(session, sender, "RET=HDRS", f"ENVID={token}.{alias}")
        rcpt = f"RCPT TO:<{alias}@alias.example> NOTIFY={notify} ORCPT=rfc822;{alias}@alias.example"
        assert session.say(rcpt).code == 250
        assert send(session, [], stuffed(letter(token, BODY)) + END).code == 250


def test_two_mailboxes_get_one_copy_each(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    deliver(exchanger, letter(token), "team@alias.example", "hello@alias.example")

    arrived = mailboxes.wait_for(3, token)

    assert sorted(copy.recipient for copy in arrived) == [
        "anna@mailbox.example",
        "ben@post.example",
        HELLO,
    ]


@pytest.mark.parametrize("alias", ["HELLO@alias.example", "Hello@Alias.Example", "hello@ALIAS.EXAMPLE"])
def test_the_case_of_an_alias_does_not_count(
    exchanger: LabHost, mailboxes: Mailboxes, token: str, alias: str
) -> None:
    deliver(exchanger, letter(token), alias)

    assert mailboxes.wait(token, HELLO)


def test_mail_for_the_postmaster_arrives(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    """RFC 5321, 4.5.1: without a domain, in any case."""
    deliver(exchanger, letter(token), "PostMaster")

    assert mailboxes.wait(token, HELLO)
