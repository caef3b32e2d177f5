"""Hard messages, each through each exchanger: answered, then byte for byte in the mailbox or in quarantine.

Spam by the score of an engine may be refused in the session instead (550 5.7.1). What no message may do is to
vanish, to arrive changed, or to take a worker of ours down.
"""

import base64
import time
from collections.abc import Iterator

import pytest

from lab import ssh
from lab.hosts import MAILBOXES
from lab.send import Session
from lab.settings import LAB, LabHost
from lab.waiting import until
from tests.mail.corpus.messages import MESSAGES
from tests.mail.dialogue import END, begin, greet, send, stuffed
from tests.mail.exchangers import put_aside
from tests.mail.letters import stored

ALIAS = "load01@alias.example"
WORKERS = "systemctl show --property Id,MainPID,NRestarts 'forwarder@*.service' 'gate@*.service'"
SPAM = "5.7.1"
STARTED = time.time()


@pytest.fixture(scope="module", autouse=True)
def no_worker_died() -> Iterator[None]:
    """The same processes serve after all messages as before."""
    before = {host.alias: ssh.on(host, WORKERS) for host in LAB.hosts}
    yield
    assert {host.alias: ssh.on(host, WORKERS) for host in LAB.hosts} == before


def _in_mailbox(token: str) -> bytes | None:
    """What has arrived from the sender with `token`: not all of these have a header to know it by."""
    for path in MAILBOXES.glob("mailbox.example/new/*"):
        if path.stat().st_mtime >= STARTED - 1:
            content = path.read_bytes()
            if token.encode() in content.partition(b"\n")[0]:  # Return-Path
                return content
    return None


def _in_quarantine(token: str) -> bytes | None:
    """The same, among what was put aside, with the line ends of a mailbox."""
    for host, path in put_aside("envelope.json", token):
        message = path.replace("envelope.json", "message.eml")
        return stored(base64.b64decode(ssh.on(host, f"base64 {message}")))
    return None


@pytest.mark.parametrize("name", MESSAGES)
def test_a_hard_message_arrives_as_it_was(exchanger: LabHost, token: str, name: str) -> None:
    hard = MESSAGES[name]
    sent = hard.make(token)
    wire = stuffed(sent)
    with Session(exchanger) as session:
        greet(session)
        begin(session, f"{token}@sender.example", "BODY=8BITMIME")
        reply = send(session, [ALIAS], wire + (b"" if wire.endswith(b"\r\n") or not wire else b"\r\n") + END)

    if hard.refused:
        assert (reply.code, reply.text[:5]) == (550, hard.refused)
        return
    if (reply.code, reply.text[:5]) == (550, SPAM):
        return
    assert reply.code == 250, reply
    content = until(lambda: _in_mailbox(token) or _in_quarantine(token), 60, f"{name} somewhere")
    expected = stored(hard.becomes(sent))
    assert content.endswith(expected), (content[-2000:], expected[-2000:])
    front = content.removesuffix(expected).decode().splitlines()
    assert all(line[:1].isspace() or ": " in line for line in front), front
