"""Bounces find their way home through the rewritten sender, by either exchanger; forged ones go nowhere."""

import pytest

from lab.mailbox import Mailboxes
from lab.settings import LabHost
from lab.waiting import until
from tests.mail.dialogue import answer_to, deliver
from tests.mail.keys import signer
from tests.mail.letters import letter
from tests.mail.outside import addressed_to, wait_for_mail_to

MAX_AGE_DAYS = 21


def coming_back(exchanger: LabHost, token: str, alias: str) -> bytes:
    """The bounce of a letter to `alias`, at its sender."""
    sender = f"{token}@sender.example"
    deliver(exchanger, letter(token), alias, sender=sender)
    bounce = wait_for_mail_to(sender)
    assert bounce.startswith(b"Return-Path: <>\n")
    return bounce


def test_mail_to_a_mailbox_that_is_gone_comes_back(exchanger: LabHost, token: str) -> None:
    bounce = coming_back(exchanger, token, "moved@alias.example")

    assert b"Final-Recipient: rfc822; dora@gone.example" in bounce
    assert token.encode() in bounce


def test_mail_to_a_mailbox_whose_domain_leads_to_loopback_comes_back(exchanger: LabHost, token: str) -> None:
    bounce = coming_back(exchanger, token, "looped@alias.example")

    assert b"Status: 5.4.4" in bounce
    assert b"resolves to loopback addresses only" in b" ".join(bounce.split()), "lines are folded"
    assert b"Remote-MTA" not in bounce, "it was nowhere before it came back"


def test_a_bounce_of_the_provider_goes_home_through_either_host(
    exchanger: LabHost, other: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    sender = f"{token}@sender.example"
    deliver(exchanger, letter(token), "hello@alias.example", sender=sender)
    rewritten = mailboxes.wait(token).sender

    for host in exchanger, other:
        deliver(host, letter(f"dsn-{token}", sender="postmaster@mailbox.example"), rewritten, sender="")
    until(lambda: len(addressed_to(sender)) == 2, 30, f"two bounces for {sender}")

    assert all(bounce.startswith(b"Return-Path: <>\n") for bounce in addressed_to(sender))


def test_a_sender_that_was_rewritten_elsewhere_comes_home_as_well(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    theirs = f"SRS0=HHHH=TT=origin.example=someone+{token}@sender.example"
    deliver(exchanger, letter(token), "hello@alias.example", sender=theirs)
    rewritten = mailboxes.wait(token).sender
    assert rewritten.startswith("SRS1=")

    deliver(exchanger, letter(f"dsn-{token}"), rewritten, sender="")

    assert wait_for_mail_to(theirs)


def test_an_address_that_was_folded_on_the_way_is_still_ours(exchanger: LabHost, token: str) -> None:
    """Some servers lower the case of what they bounce to."""
    rewritten = signer().rewrite(f"{token}@sender.example", "alias.example")

    assert answer_to(exchanger, rewritten.lower(), "").code == 250
    assert answer_to(exchanger, rewritten.upper(), "").code == 250


@pytest.mark.parametrize("age", [0, MAX_AGE_DAYS], ids=["today", "oldest"])
def test_a_bounce_may_take_its_time(exchanger: LabHost, token: str, age: int) -> None:
    rewritten = signer(age).rewrite(f"{token}@sender.example", "alias.example")

    assert answer_to(exchanger, rewritten, "").code == 250


def _forgeries(token: str) -> dict[str, str]:
    sender = f"{token}@sender.example"
    good = signer().rewrite(sender, "alias.example")
    digest = good.split("=")[1]
    wrong = ("b" if digest[0] == "a" else "a") + digest[1:]
    again = signer().rewrite(f"SRS0=HHHH=TT=origin.example=x@{token}.example", "alias.example")
    return {
        "hash": good.replace(digest, wrong),
        "no hash": good.replace(digest, ""),
        "sender": good.replace("sender.example", "victim.example"),
        "local part": good.replace(token, "victim"),
        "expired": signer(MAX_AGE_DAYS + 1).rewrite(sender, "alias.example"),
        "future": signer(-2).rewrite(sender, "alias.example"),
        "SRS1 host": again.replace(f"{token}.example", "victim.example"),
        "malformed": f"SRS0={token}@alias.example",
        "another domain of ours": good.replace("@alias.example", "@sub.alias.example"),
    }


@pytest.mark.parametrize("kind", list(_forgeries("x")))
@pytest.mark.parametrize("sender", ["", "someone@sender.example"], ids=["null", "sender"])
def test_a_forged_rewritten_sender_is_refused(exchanger: LabHost, token: str, kind: str, sender: str) -> None:
    reply = answer_to(exchanger, _forgeries(token)[kind], sender)

    assert reply.code == 550, reply
