"""An alias with two mailboxes, one of which fails at postfix-out: each gets its copy once, by either host."""

from collections.abc import Iterator
from contextlib import contextmanager

from lab import ssh
from lab.mailbox import Mailboxes
from lab.settings import LAB, LabHost
from lab.waiting import until
from tests.mail.dialogue import deliver
from tests.mail.exchangers import is_queued, wait_until_done
from tests.mail.letters import letter
from tests.mail.outside import wait_for_mail_to

TEAM, ANNA, BEN = "team@alias.example", "anna@mailbox.example", "ben@post.example"
OUT = "/etc/postfix-out"


@contextmanager
def refusing(recipient: str, reply: str) -> Iterator[None]:
    """Have postfix-out of both hosts answer RCPT for `recipient` with `reply`."""
    table = f"inline:{{ {{ {recipient} = {reply} }} }}"
    rule = f"smtpd_recipient_restrictions = check_recipient_access {table}"
    try:
        for host in LAB.hosts:
            ssh.on(
                host,
                f"cp -p {OUT}/main.cf {OUT}/main.cf.kept && postconf -c {OUT} -e '{rule}'"
                " && systemctl restart postfix@out",
            )
        yield
    finally:
        for host in LAB.hosts:
            ssh.on(host, f"mv {OUT}/main.cf.kept {OUT}/main.cf && systemctl restart postfix@out")


def reason_of(host: LabHost, queue_id: str) -> str:
    """Why the inbound instance still has the message; empty before a first try."""
    rows = ssh.on(host, "postqueue -j").splitlines()
    return next((row for row in rows if f'"{queue_id}"' in row and "delay_reason" in row), "")


def test_one_that_fails_for_a_while_gets_it_later_and_the_other_once(
    exchanger: LabHost, other: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    with refusing(BEN, "450 4.2.0 not now"):
        queue_id = deliver(exchanger, letter(token), TEAM)
        mailboxes.wait(token, ANNA)
        reason = until(lambda: reason_of(exchanger, queue_id), 30, "a first try by both forwarders")
        assert "one of the mailboxes behind this alias failed" in reason
        ssh.on(exchanger, "journalctl --sync")
        log = ssh.on(exchanger, f"journalctl -q -o cat --grep {queue_id}")
        for asked in (str(other.address), "127.0.0.1"):  # at once; a share begins with the peer's forwarder
            assert f"[{asked}] said: 451 4.2.0 one of the mailboxes" in log
        assert BEN not in reason
    ssh.on(exchanger, f"postqueue -i {queue_id}")
    mailboxes.wait(token, BEN)
    wait_until_done(exchanger, queue_id)
    copies = mailboxes.wait_for(2, token)
    assert sorted(copy.recipient for copy in copies) == [ANNA, BEN]


def test_a_final_refusal_of_one_is_told_without_naming_it(
    exchanger: LabHost, mailboxes: Mailboxes, token: str
) -> None:
    sender = f"{token}@sender.example"
    with refusing(BEN, "550 5.1.1 gone for good"):
        queue_id = deliver(exchanger, letter(token), TEAM, sender=sender)
        mailboxes.wait(token, ANNA)
        bounce = wait_for_mail_to(sender)
    assert not is_queued(exchanger, queue_id)
    assert b"one of the mailboxes behind this alias refused" in bounce
    assert TEAM.encode() in bounce
    assert BEN.encode() not in bounce
