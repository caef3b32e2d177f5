"""Mail to receivers that ask for TLS, and what an exchanger does where they are wrong about their server."""

import json

import pytest

from lab.mailbox import Mailboxes, new_token
from lab.settings import RECEIVERS, Receiver
from lab.waiting import until
from tests.hosts.asking import Host, comes_back_for_ever, exposure, run_python

pytestmark = pytest.mark.role("delivery")

UNITS = ("dane.service", "postfix-mta-sts-resolver.service")
SEND = """
import smtplib
with smtplib.SMTP("127.0.0.1", 20388, timeout=10) as session:
    session.sendmail("", ["{recipient}"], b"From: a@alias.example\\r\\nSubject: {token}\\r\\n\\r\\nHi.\\r\\n")
"""
RIGHT = [receiver for receiver in RECEIVERS if "wrong" not in (receiver.dane, receiver.policy)]
WRONG = [receiver for receiver in RECEIVERS if receiver not in RIGHT]


def sent(host: Host, receiver: Receiver) -> str:
    """The token of a message that postfix-out has taken for a receiver."""
    token = new_token()
    run_python(host, SEND.format(recipient=f"{token}@{receiver.domain}", token=token))
    return token


def waiting(host: Host, token: str) -> list[dict[str, str]]:
    """Queue id and reason of what waits in postfix-out for the recipient `token`."""
    lines = host.check_output("postqueue -c /etc/postfix-out -j").splitlines()
    return [
        {"queue_id": entry["queue_id"], "reason": recipient.get("delay_reason", "")}
        for entry in map(json.loads, lines)
        for recipient in entry["recipients"]
        if recipient["address"].startswith(token) and "delay_reason" in recipient
    ]


@pytest.mark.parametrize("receiver", RIGHT, ids=lambda receiver: receiver.domain)
def test_mail_arrives_by_verified_tls(host: Host, receiver: Receiver) -> None:
    token = sent(host, receiver)

    Mailboxes().wait(token, seconds=30)
    host.check_output("journalctl --sync")
    log = host.check_output("journalctl -q -o cat -t postfix-out/smtp --since -2min")
    assert "Verified TLS connection established to" in log


@pytest.mark.parametrize("receiver", WRONG, ids=lambda receiver: receiver.domain)
def test_mail_waits_rather_than_to_go_to_a_server_that_is_not_the_right_one(
    host: Host, receiver: Receiver
) -> None:
    """`both.example` has a policy that its server meets, and DANE that it does not: DANE wins."""
    token = sent(host, receiver)
    try:
        until(lambda: waiting(host, token), 30, f"{token} to wait")
        assert "not verified" in waiting(host, token)[0]["reason"]
        assert not Mailboxes().find(token)
    finally:
        for entry in waiting(host, token):
            host.check_output(f"postsuper -c /etc/postfix-out -d {entry['queue_id']}")


@pytest.mark.parametrize("unit", UNITS)
def test_it_comes_back_and_sees_nothing_else_of_the_host(host: Host, unit: str) -> None:
    assert host.service(unit).is_running
    assert comes_back_for_ever(host, unit)
    assert exposure(host, unit) <= 1.5
