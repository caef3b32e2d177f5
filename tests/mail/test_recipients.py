"""Who is refused while the sender is still on the line, and how."""

import pytest

from lab.mailbox import Mailboxes
from lab.send import SENDER, Session
from lab.settings import LabHost
from tests.mail.dialogue import END, answer_to, begin, greet, send, stuffed
from tests.mail.keys import signer
from tests.mail.letters import letter

MAX_RECIPIENTS = 100


@pytest.mark.parametrize("sender", [SENDER, ""], ids=["sender", "null"])
def test_an_unknown_alias_is_refused_at_rcpt(exchanger: LabHost, token: str, sender: str) -> None:
    reply = answer_to(exchanger, f"{token}@alias.example", sender)

    assert (reply.code, reply.text[:5]) == (550, "5.1.1")


def test_a_disabled_alias_is_refused_and_told_so(exchanger: LabHost) -> None:
    reply = answer_to(exchanger, "Paused@alias.example")

    assert (reply.code, reply.text[:5]) == (550, "5.1.1")
    assert reply.text.endswith("this alias is disabled")


def test_an_alias_whose_mailbox_is_disabled_is_refused_and_the_mailbox_is_not_named(
    exchanger: LabHost,
) -> None:
    reply = answer_to(exchanger, "Closed@alias.example")

    assert (reply.code, reply.text[:5]) == (550, "5.2.1")
    assert reply.text.endswith("The mailbox behind this alias is disabled")
    assert "post.example" not in reply.text


def test_a_refusal_leaves_the_other_recipients_alone(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    with Session(exchanger) as session:
        greet(session)
        begin(session)
        assert session.say(f"RCPT TO:<{token}@alias.example>").code == 550
        assert session.say("RCPT TO:<paused@alias.example>").code == 550
        reply = send(session, ["hello@alias.example"], stuffed(letter(token)) + END)

    assert reply.code == 250
    assert mailboxes.wait(token, "hello@mailbox.example")


def test_a_hundred_recipients_in_one_transaction(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    """Aliases and rewritten senders; the one too many comes again, as RFC 5321 (4.5.3.1.10) has it."""
    aliases = ["hello@alias.example", "team@alias.example", "shop@masked.example"]
    boxes = {"hello@mailbox.example", "anna@mailbox.example", "ben@post.example", "carla@post.example"}
    others = [f"box{number}@mailbox.example" for number in range(MAX_RECIPIENTS - len(aliases))]
    recipients = aliases + [signer().rewrite(other, "alias.example") for other in others]
    with Session(exchanger) as session:
        greet(session)
        begin(session)
        for recipient in recipients:
            assert session.say(f"RCPT TO:<{recipient}>").code == 250
        late = session.say("RCPT TO:<hello@masked.example>")
        reply = send(session, [], stuffed(letter(token)) + END)

    assert (late.code, late.text[:5]) == (452, "4.5.3")
    assert reply.code == 250
    arrived = mailboxes.wait_for(MAX_RECIPIENTS + 1, token)
    assert sorted(copy.recipient for copy in arrived) == sorted([*boxes, *others])
