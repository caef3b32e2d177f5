"""One message in is one message out: what some servers take for the end of a message is text here.

Source: CVE-2023-51764 and its like. A message that one server sends as one and the next reads as two
lets a stranger write mail in the name of everybody who sends through the first.
"""

import re

import pytest

from lab.mailbox import Mailboxes, new_token
from lab.send import SENDER, Session
from lab.settings import LabHost
from tests.mail.dialogue import END, begin, deliver, greet, keywords, send
from tests.mail.letters import letter

ALIAS = "hello@alias.example"
ENDINGS = (
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r.\n",
    b"\n.\r",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\n\n.\n\n",
    b"\r\n..\r\n",  # a dot that was sent as RFC 5321 (4.5.2) wants it, and must be sent on so
)


@pytest.mark.parametrize("ending", ENDINGS, ids=repr)
def test_a_false_end_is_text(exchanger: LabHost, mailboxes: Mailboxes, token: str, ending: bytes) -> None:
    smuggled = new_token()
    commands = f"MAIL FROM:<admin@sender.example>\r\nRCPT TO:<{ALIAS}>\r\nDATA\r\n".encode()
    wire = letter(token, b"before") + ending + commands + letter(smuggled, b"after\r\n")
    with Session(exchanger) as session:
        greet(session)
        begin(session)
        assert send(session, [ALIAS], wire + END).code == 250
        assert session.say("QUIT").code == 221

    arrived = mailboxes.wait(token)

    assert f"Subject: {smuggled}".encode() in arrived.body
    assert re.search(rb"before[\s.\0]+MAIL FROM:<admin@sender\.example>", arrived.body)
    # whatever a later hop had split off would have arrived before the next message did
    later = new_token()
    deliver(exchanger, letter(later), ALIAS)
    mailboxes.wait(later)
    assert mailboxes.find(token) == (arrived,)
    assert not mailboxes.find(smuggled)


def test_chunks_are_not_taken(exchanger: LabHost) -> None:
    """BDAT needs no end, so a client that uses it is not protected by any of this."""
    with Session(exchanger) as session:
        assert not {"CHUNKING", "BINARYMIME"} & keywords(session)
        begin(session)
        assert session.say(f"RCPT TO:<{ALIAS}>").code == 250
        assert 500 <= session.say("BDAT 0 LAST").code < 600


def test_commands_sent_before_the_reply_to_ehlo_are_refused(exchanger: LabHost) -> None:
    with Session(exchanger) as session:
        session.write(f"EHLO stranger.example\r\nMAIL FROM:<{SENDER}>\r\nRCPT TO:<{ALIAS}>\r\n".encode())

        assert session.read().code == 554


def test_a_message_sent_before_the_reply_to_data_is_refused(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    with Session(exchanger) as session:
        greet(session)
        begin(session)
        assert session.say(f"RCPT TO:<{ALIAS}>").code == 250
        session.write(b"DATA\r\n" + letter(token) + END)
        assert session.read().code == 554

    later = new_token()
    deliver(exchanger, letter(later), ALIAS)
    mailboxes.wait(later)
    assert not mailboxes.find(token)
