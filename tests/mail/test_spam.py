"""Claims from outside about spam and loops do not count. What becomes of spam: test_gate.py."""

import pytest

from lab.mailbox import Mailboxes
from lab.probe import VERDICT_FIELD, parse_verdict
from lab.settings import LabHost
from lab.waiting import until
from tests.mail.dialogue import deliver
from tests.mail.letters import letter, prepended
from tests.mail.outside import addressed_to

ALIAS = "hello@alias.example"


@pytest.mark.parametrize(
    "forged",
    [
        b"X-Twinmx-Spam: engine=rspamd; score=-99.0; reject=15.0; seconds=0.001",
        b"x-twinmx-spam : engine=rspamd; score=-99.0",
        b"X-Twinmx-Spam:\r\n\tengine=rspamd;\r\n score=-99.0",
        b"X-Twinmx-Spam-Score: -99.0",
    ],
    ids=["plain", "case and blank", "folded", "longer name"],
)
def test_a_forged_verdict_does_not_survive(
    exchanger: LabHost, mailboxes: Mailboxes, token: str, forged: bytes
) -> None:
    deliver(exchanger, letter(token, b"Hello.\r\n", b"X-Before: 1", forged, b"X-After: 1"), ALIAS)

    arrived = mailboxes.wait(token)

    names = prepended(arrived, letter(token, b"Hello.\r\n", b"X-After: 1"))
    assert [name for name in names if name.lower().startswith("x-twinmx-spam")] == [VERDICT_FIELD]
    assert b"-99.0" not in arrived.content
    assert float(parse_verdict(arrived.field(VERDICT_FIELD))["score"]) > -50


@pytest.mark.parametrize(
    "mark", [b"", b" mark aaaaaaaa"], ids=["without a mark", "with a mark of the stranger's"]
)
def test_a_forged_trace_is_no_loop(exchanger: LabHost, mailboxes: Mailboxes, token: str, mark: bytes) -> None:
    """Otherwise a stranger could have our bounces sent to whom he likes."""
    forged = b"X-Twinmx-Trace: <hello@alias.example> by mx1.alias.example id 4bXyZ1" + mark
    sent = letter(token, b"Hello.\r\n", forged)
    deliver(exchanger, sent, ALIAS)

    prepended(mailboxes.wait(token), sent)


def test_a_message_that_comes_round_goes_back_to_its_sender(
    exchanger: LabHost, other: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    """The trace of one exchanger is known by the other, and a loop ends after one round."""
    deliver(exchanger, letter(token), ALIAS)
    first = mailboxes.wait(token)
    sender = f"{token}@sender.example"

    deliver(other, first.content.replace(b"\n", b"\r\n"), ALIAS, sender=sender)

    until(lambda: addressed_to(sender), 30, f"a bounce for {sender}")
    (bounce,) = addressed_to(sender)
    assert b"5.4.6" in bounce
    assert mailboxes.find(token, "hello@mailbox.example") == (first,)
