"""Nobody relays: every way of writing a foreign recipient is refused at RCPT, on both hosts."""

import select
import socket

import pytest

from lab.send import SENDER, Session
from lab.settings import LAB, LabHost
from roles.lib import ports
from tests.mail.dialogue import begin, greet, keywords

TARGETS = {
    "plain": "user@mailbox.example",
    "percent": "user%mailbox.example@alias.example",
    "percent behind an alias": "hello%mailbox.example@alias.example",
    "percent at the host": "user%mailbox.example@{fqdn}",
    "quoted": '"user@mailbox.example"@alias.example',
    "quoted at the host": '"user@mailbox.example"@{fqdn}',
    "quoted alone": '"user@mailbox.example"',
    "two at signs": "user@mailbox.example@alias.example",
    "ours in front": "hello@alias.example@mailbox.example",
    "source route": "@alias.example:user@mailbox.example",
    "long source route": "@alias.example,@{fqdn}:user@mailbox.example",
    "bang": "mailbox.example!user",
    "bang at our domain": "mailbox.example!user@alias.example",
    "bang and percent": "alias.example!user%mailbox.example",
    "own literal": "user@[{address}]",
    "own literal with an alias": "hello@[{address}]",
    "loopback literal": "user@[127.0.0.1]",
    "foreign literal": "user@[198.51.100.10]",
    "address without brackets": "user@198.51.100.10",
    "IPv6 literal": "user@[IPv6:2001:db8::10]",
    "IPv6 loopback": "user@[IPv6:::1]",
    "mapped literal": "user@[IPv6:::ffff:127.0.0.1]",
    "percent in a literal": "user%mailbox.example@[{address}]",
    "host name": "user@{fqdn}",
    "outgoing instance": "user@out.{fqdn}",
    "localhost": "user@localhost",
    "no domain": "user",
    "root": "root",
    "below our domain": "hello@sub.alias.example",
    "trailing dots": "user@mailbox.example..",
    "UTF-8 domain": "user@münchen.example",
    "A-label": "user@xn--mnchen-3ya.example",
    "look-alike of ours": "hello@\N{CYRILLIC SMALL LETTER A}lias.example",
    "wide at sign": "user\N{FULLWIDTH COMMERCIAL AT}mailbox.example@alias.example",
    "VERP of ours": "hello+user=mailbox.example@alias.example",
    "SRS by nobody": "SRS0=aaaaaaaa=aa=mailbox.example=user@alias.example",
    "SRS1 by nobody": "SRS1=aaaaaaaa=mailbox.example==aaaaaaaa=aa=post.example=user@masked.example",
    "SRS elsewhere": "SRS0=aaaaaaaa=aa=mailbox.example=user@mailbox.example",
    "pipe": "|/bin/true",
    "file": "/var/tmp/mail@{fqdn}",
    "include": ":include:/etc/passwd@alias.example",
}
SENDERS = {"stranger": SENDER, "null": "", "alias": "hello@alias.example", "host": "root@{fqdn}"}


def refused(session: Session, target: str) -> bool:
    """Whether RCPT for `target` is refused for good."""
    return 500 <= session.say(f"RCPT TO:<{target}>").code < 600


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("target", TARGETS)
def test_no_spelling_relays(exchanger: LabHost, sender: str, target: str) -> None:
    names = {"fqdn": exchanger.fqdn, "address": str(exchanger.address)}
    with Session(exchanger) as session:
        greet(session)
        begin(session, SENDERS[sender].format(**names), "SMTPUTF8")

        assert refused(session, TARGETS[target].format(**names))


def test_a_peer_s_literal_is_refused_as_well(exchanger: LabHost, other: LabHost) -> None:
    with Session(exchanger) as session:
        greet(session)
        begin(session)
        assert refused(session, f"hello@[{other.address}]")
        assert refused(session, f"user@{other.fqdn}")


@pytest.mark.parametrize(
    "command",
    [
        "XCLIENT ADDR=127.0.0.1 NAME=localhost",
        "XFORWARD ADDR=127.0.0.1 NAME=localhost HELO=localhost SOURCE=LOCAL",
        "XCLIENT LOGIN=hello@alias.example",
    ],
)
def test_nobody_may_pretend_to_be_another_client(exchanger: LabHost, command: str) -> None:
    with Session(exchanger) as session:
        assert not {"XCLIENT", "XFORWARD"} & keywords(session)
        assert 500 <= session.say(command).code < 600
        begin(session)
        assert refused(session, "user@mailbox.example")


def test_a_host_name_of_ours_in_ehlo_opens_nothing(exchanger: LabHost) -> None:
    with Session(exchanger) as session:
        session.say(f"EHLO {exchanger.fqdn}")
        begin(session)
        assert refused(session, "user@mailbox.example")


@pytest.mark.parametrize(
    "command",
    ["VRFY hello", "VRFY hello@alias.example", "EXPN team", "ETRN alias.example", "AUTH PLAIN AAAA"],
)
def test_what_only_helps_abuse_is_not_there(exchanger: LabHost, command: str) -> None:
    with Session(exchanger) as session:
        assert not {"VRFY", "EXPN", "ETRN", "AUTH"} & keywords(session)
        assert 500 <= session.say(command).code < 600


def test_mail_without_a_greeting_is_refused(exchanger: LabHost) -> None:
    with Session(exchanger) as session:
        assert session.say(f"MAIL FROM:<{SENDER}>").code == 503


def _answering(addresses: list[tuple[str, int]], seconds: float) -> set[tuple[str, int]]:
    """Those of `addresses` that take a connection within `seconds`."""
    waiting = {}
    for address in addresses:
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(address)
        waiting[connection] = address
    poll = select.poll()
    for connection in waiting:
        poll.register(connection, select.POLLOUT)
    by_number = {connection.fileno(): connection for connection in waiting}
    seen = set()
    while events := poll.poll(seconds * 1000):
        for number, _ in events:
            poll.unregister(number)
            if by_number[number].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                seen.add(waiting[by_number[number]])
    for connection in waiting:
        connection.close()
    return seen


def test_our_own_hops_cannot_be_reached_from_outside() -> None:
    own = [ports.FORWARDER, ports.SOCKETMAP, ports.OUT, ports.SPAMD, 11332, 11333, 11334, 6379, 465, 587]
    addresses = [(str(host.address), port) for host in LAB.hosts for port in (25, *own)]

    assert _answering(addresses, 1.5) == {(str(host.address), 25) for host in LAB.hosts}
