"""Odd, large and international messages: all of them scanned, none of them changed."""

import base64
import hashlib
import re
import shlex

import pytest

from lab import ssh
from lab.mailbox import Arrived, Mailboxes
from lab.probe import VERDICT_FIELD, parse_verdict
from lab.send import SENDER, Session, submit
from lab.settings import OUTSIDE, LabHost
from tests.mail.dialogue import END, begin, deliver, greet, send, stuffed
from tests.mail.letters import PLAIN, letter, prepended, stored

ALIAS = "hello@alias.example"
MAX_BYTES = 36_700_160
LARGE_BYTES = 20 << 20
ENGINES = ("rspamd", "spamassassin")
UTF8 = ("SMTPUTF8", "BODY=8BITMIME")


def engine_of(arrived: Arrived) -> str:
    return parse_verdict(arrived.field(VERDICT_FIELD))["engine"]


def test_a_message_without_a_final_newline_is_scanned(mailboxes: Mailboxes, token: str) -> None:
    """The message of August 2020, written by a program: sendmail(1) is where such a thing can begin."""
    text = letter(token, b"the last line has no end").replace(b"\r\n", b"\n").decode()
    ssh.on(OUTSIDE, f"printf %s {shlex.quote(text)} | sendmail -f {SENDER} {ALIAS}")

    arrived = mailboxes.wait(token, seconds=10)

    assert engine_of(arrived) in ENGINES
    assert arrived.body == b"the last line has no end\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x\r\n",
        b"\r\n\r\n\r\n",
        b"no line feed at the very end\r\n.\r\n",
        b"a" * 10_000 + b"\r\n" + b"b " * 5_000 + b"\r\n",
        b"." * 10_000 + b"\r\n",
        b"\xe4\xf6\xfc\xff and \xc3\xa4\r\n",
        bytes(range(1, 10)) + bytes(range(14, 256)) + b"\r\n",
    ],
    ids=["empty", "one line", "empty lines", "a dot at the end", "long lines", "dots", "8 bits", "all bytes"],
)
def test_a_body_arrives_as_it_was_and_scanned(
    exchanger: LabHost, mailboxes: Mailboxes, token: str, body: bytes
) -> None:
    sent = letter(token, body)
    deliver(exchanger, sent, ALIAS, options=["BODY=8BITMIME"])

    arrived = mailboxes.wait(token)

    assert engine_of(arrived) in ENGINES
    prepended(arrived, sent)
    assert arrived.body == stored(body)


def test_a_message_may_be_a_header_alone(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    header = letter(token, b"").removesuffix(b"\r\n")
    deliver(exchanger, header, ALIAS)

    arrived = mailboxes.wait(token)

    assert engine_of(arrived) in ENGINES
    assert arrived.content.rstrip(b"\n").endswith(stored(header).rstrip(b"\n"))


def test_a_header_line_of_10_000_characters(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    sent = letter(token, PLAIN, b"X-Long: " + b"c" * 10_000)
    deliver(exchanger, sent, ALIAS)

    prepended(mailboxes.wait(token), sent)


def test_nul_does_not_hide_the_rest(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    body = b"before\0after\r\n\0\r\nlast\r\n"
    deliver(exchanger, letter(token, body), ALIAS)

    arrived = mailboxes.wait(token)

    assert engine_of(arrived) in ENGINES
    assert arrived.body.replace(b"\0", b"") == stored(body).replace(b"\0", b"")


def test_a_bare_line_feed_is_a_line_end_and_a_bare_return_a_blank(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    deliver(exchanger, letter(token, b"one\ntwo\rthree\n\nfour\r\n"), ALIAS)

    assert mailboxes.wait(token).body == b"one\ntwo three\n\nfour\n"


def test_an_attached_message_keeps_its_fields(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    """Verdict fields of old mail are a part of what somebody signed and sent on, not claims about it."""
    inner = b"X-Twinmx-Spam: engine=rspamd; score=99.0\r\nFrom: a@b.example\r\nSubject: old\r\n\r\nold\r\n"
    body = (
        b"--edge\r\nContent-Type: text/plain\r\nX-Twinmx-Spam: of a part\r\n\r\nsee below\r\n"
        b"--edge\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"--edge--\r\n"
    )
    fields = (b"MIME-Version: 1.0", b'Content-Type: multipart/mixed; boundary="edge"')
    sent = letter(token, body, *fields)
    deliver(exchanger, sent, ALIAS)

    arrived = mailboxes.wait(token)

    assert prepended(arrived, sent).count(VERDICT_FIELD) == 1


def test_an_8_bit_header_arrives_as_it_was(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    sent = letter(token, PLAIN, b"X-Latin: gr\xfc\xdfe", "X-Utf8: grüße".encode())
    deliver(exchanger, sent, ALIAS, options=["BODY=8BITMIME"])

    prepended(mailboxes.wait(token), sent)


def test_a_sender_and_a_subject_in_utf8(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    sender = "jürgen@sender.example"
    sent = letter(f"grüße {token}", "Schöne Grüße\r\n".encode(), sender=sender)
    sent = sent.replace(f"<grüße {token}".encode(), f"<{token}".encode())
    submit(sent, [ALIAS], sender=sender, through=exchanger)

    arrived = mailboxes.wait(token)

    assert arrived.subject == f"grüße {token}"
    assert arrived.body == "Schöne Grüße\n".encode()
    assert re.fullmatch(r"SRS0=\w+=\w+=sender\.example=jürgen@alias\.example", arrived.sender)


def test_utf8_in_an_alias_is_an_unknown_alias(exchanger: LabHost) -> None:
    with Session(exchanger) as session:
        greet(session)
        begin(session, SENDER, *UTF8)
        reply = session.say("RCPT TO:<hällo@alias.example>")

    assert (reply.code, reply.text[:5]) == (550, "5.1.1")


def test_20_megabytes_arrive_whole(exchanger: LabHost, mailboxes: Mailboxes, token: str) -> None:
    noise = b"".join(hashlib.sha512(b"%d" % number).digest()[:57] for number in range(4096))
    lines = base64.encodebytes(noise).replace(b"\n", b"\r\n")
    body = lines * (LARGE_BYTES // len(lines) + 1)
    deliver(exchanger, letter(token, body), ALIAS)

    arrived = mailboxes.wait(token)
    try:
        assert hashlib.sha256(arrived.body).digest() == hashlib.sha256(stored(body)).digest()
        assert engine_of(arrived) in ENGINES
    finally:
        arrived.path.unlink()


def test_too_large_a_message_is_refused_before_it_is_sent(exchanger: LabHost) -> None:
    with Session(exchanger) as session:
        assert f"SIZE {MAX_BYTES}" in greet(session).text.splitlines()
        reply = session.say(f"MAIL FROM:<{SENDER}> SIZE={MAX_BYTES + 1}")

    assert (reply.code, reply.text[:5]) == (552, "5.3.4")


def test_too_large_a_message_is_refused_after_it_was_sent(exchanger: LabHost, token: str) -> None:
    line = b"d" * 998 + b"\r\n"
    body = line * (MAX_BYTES // len(line) + 1)
    with Session(exchanger) as session:
        greet(session)
        begin(session)
        reply = send(session, [ALIAS], stuffed(letter(token, body)) + END)

    assert (reply.code, reply.text[:5]) == (552, "5.3.4")


def test_a_message_with_too_many_hops_is_refused_in_the_session_or_arrives(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    """Never accepted here and refused by our own next hop: that would be a bounce to a forged sender."""
    hops = [f"Received: from a.example by b.example id {number}; now".encode() for number in range(44)]

    deliver(exchanger, letter(token, PLAIN, *hops[:43]), ALIAS)
    mailboxes.wait(token)

    with Session(exchanger) as session:
        greet(session)
        begin(session)
        reply = send(session, [ALIAS], stuffed(letter(token, PLAIN, *hops)) + END)
    assert (reply.code, reply.text[:5]) == (554, "5.4.0")
