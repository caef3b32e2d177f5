"""Raw SMTP with an exchanger, as a stranger speaks it: exact bytes, and every reply looked at."""

from collections.abc import Sequence

from lab.send import SENDER, Reply, Session
from lab.settings import CONTROLLER_NAME, LabHost

END = b".\r\n"


def greet(session: Session) -> Reply:
    """Say EHLO; fails where the host does not greet or take it."""
    assert session.greeting.code == 220, session.greeting
    reply = session.say(f"EHLO {CONTROLLER_NAME}")
    assert reply.code == 250, reply
    return reply


def keywords(session: Session) -> set[str]:
    """What the host announces."""
    return {line.split()[0].upper() for line in greet(session).text.splitlines()[1:]}


def begin(session: Session, sender: str = SENDER, *options: str) -> None:
    """Open a transaction; fails where MAIL is refused."""
    reply = session.say(" ".join([f"MAIL FROM:<{sender}>", *options]))
    assert reply.code == 250, reply


def stuffed(content: bytes) -> bytes:
    """`content` as it follows DATA, without the end (RFC 5321, 4.5.2)."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]


def send(session: Session, recipients: Sequence[str], wire: bytes) -> Reply:
    """Name `recipients` in an open transaction and send `wire` after DATA; the reply to the message."""
    for recipient in recipients:
        reply = session.say(f"RCPT TO:<{recipient}>")
        assert reply.code == 250, reply
    reply = session.say("DATA")
    assert reply.code == 354, reply
    session.write(wire)
    return session.read()


def deliver(
    host: LabHost, content: bytes, *recipients: str, sender: str = SENDER, options: Sequence[str] = ()
) -> str:
    """Have `host` accept a message that ends with CRLF; returns its queue id there."""
    with Session(host) as session:
        greet(session)
        begin(session, sender, *options)
        reply = send(session, recipients, stuffed(content) + END)
        assert reply.code == 250, reply
        return reply.text.rsplit(" ", 1)[1]


def answer_to(host: LabHost, recipient: str, sender: str = SENDER, *options: str) -> Reply:
    """What `host` answers to RCPT for `recipient`."""
    with Session(host) as session:
        greet(session)
        begin(session, sender, *options)
        return session.say(f"RCPT TO:<{recipient}>")
