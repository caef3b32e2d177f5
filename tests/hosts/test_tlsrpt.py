"""Reports on TLS with receivers, from the session to the mailbox of who asked for them."""

import gzip
import json
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from inventory.schema import Exchange
from inventory.secrets import Secrets
from lab.mailbox import Arrived, Mailboxes
from lab.outside.zones import REPORTS
from lab.settings import RECEIVERS, Receiver
from lab.waiting import until
from roles.tlsrpt import COLLECTS, SOCKET, STATE, UNIT_FILES
from roles.tlsrpt import REPORTS as REPORTS_UNIT
from tests.hosts.asking import Host, comes_back_for_ever, exposure, main_pid, run_python
from tests.hosts.test_delivery import sent, waiting
from tests.mail.validating import signers
from twinmx.tlsrpt.naming import CONTENT_TYPE

pytestmark = pytest.mark.role("tlsrpt")

# a trial of its own beside what it has to report: at once, instead of over ten hours
AT_ONCE = f"""[Service]
Environment=TLSRPT_REPORTD_DBNAME={STATE}/trial.sqlite
Environment=TLSRPT_REPORTD_SPREAD_OUT_DELIVERY=1
Environment=TLSRPT_REPORTD_INTERVAL_MAIN_LOOP=1
"""
DROP_IN = f"/run/systemd/system/{REPORTS_UNIT}.d"
DANE, WRONG = (next(one for one in RECEIVERS if one.dane == kind) for kind in ("right", "wrong"))
STS = next(one for one in RECEIVERS if one.policy == "right" and not one.dane)
ASKING = (DANE, STS, WRONG)


@pytest.fixture(autouse=True)
def _reporting(exchange: Exchange) -> None:
    if not exchange.tls.reports.send:
        pytest.skip("this inventory sends no reports")


@pytest.fixture
def at_once(host: Host) -> Iterator[float]:
    """Today counts as over, and what was collected is reported within seconds; when that began."""
    host.check_output(f"mkdir -p {DROP_IN} && rm -f {STATE}/trial.sqlite")
    host.check_output(f"printf '%s' '{AT_ONCE}' >{DROP_IN}/trial.conf")
    number = f"stat -Lc %i {STATE}/collectd.sqlite"
    before = host.check_output(number)
    began = time.time()
    try:
        host.check_output(f"systemctl kill --signal=USR2 {COLLECTS}")
        until(lambda: host.check_output(number) != before, 10, "a new day")
        host.check_output(f"systemctl daemon-reload && systemctl restart {REPORTS_UNIT}")
        yield began
    finally:
        host.check_output(f"rm -r {DROP_IN} && systemctl daemon-reload && systemctl restart {REPORTS_UNIT}")
        host.check_output(f"rm -f {STATE}/trial.sqlite")


def told(host: Host, domain: str, since: float) -> list[str]:
    """What Postfix has told the collector of a receiver."""
    host.check_output("journalctl --sync")
    said = host.check_output(f"journalctl -q -o cat -t postfix-out/smtp --since @{since:.3f}")
    return [line for line in said.splitlines() if "TLSRPT: " in line and f"domain={domain}," in line]


def kept(host: Host) -> set[str]:
    """The domains in the collector's database of today."""
    program = f"""
import sqlite3
database = sqlite3.connect("file:{STATE}/collectd.sqlite?mode=ro", uri=True)
print(*(row[0] for row in database.execute("SELECT DISTINCT domain FROM finalresults")))
"""
    return set(run_python(host, program).split())


@pytest.fixture
def sessions(host: Host) -> None:
    """A session of today with each kind of receiver."""
    began = time.time()
    tokens = {one: sent(host, one) for one in ASKING}
    for one in (DANE, STS):
        Mailboxes().wait(tokens[one], seconds=30)
    until(lambda: waiting(host, tokens[WRONG]), 30, "the wrong one to wait")
    for entry in waiting(host, tokens[WRONG]):
        host.check_output(f"postsuper -c /etc/postfix-out -d {entry['queue_id']}")
    assert all(told(host, one.domain, began) for one in ASKING)
    until(lambda: kept(host) >= {one.domain for one in ASKING}, 15, "the collector to keep them")


def reported(receiver: Receiver, report_id: str, since: float) -> Arrived:
    """The mail with a report in the mailbox of who asked for it."""
    mailboxes, to = Mailboxes(), f"{REPORTS}@{receiver.domain}"

    def arrived() -> list[Arrived]:
        return [mail for mail in mailboxes.find(report_id, to) if mail.time >= since]

    return until(arrived, 60, f"a report for {receiver.domain}")[0]


def content(arrived: Arrived) -> dict[str, Any]:
    """The report in a mail."""
    mail = message_from_bytes(arrived.content, policy=SMTP)
    (part,) = [part for part in mail.walk() if part.get_content_type() == CONTENT_TYPE]
    assert isinstance(part, EmailMessage)
    return dict(json.loads(gzip.decompress(part.get_content())))


@pytest.mark.changes
@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize("receiver", ASKING, ids=lambda receiver: receiver.domain)
def test_a_receiver_gets_a_signed_report_even_where_tls_with_it_fails(
    host: Host, name: str, exchange: Exchange, secrets: Secrets, at_once: float, receiver: Receiver
) -> None:
    """Of the mail with it nobody is told, or each report would bring the next."""
    domain, pair = exchange.domains[0], secrets.dkim_keys[0].name
    mail = reported(receiver, f"_{receiver.domain}_{name}@{domain}", at_once)
    report = content(mail)
    policies = {entry["policy"]["policy-type"]: entry for entry in report["policies"]}
    policy = policies["sts" if receiver is STS else "tlsa"]

    assert report["report-id"].endswith(f"_{receiver.domain}_{name}")
    assert report["contact-info"] == exchange.tls_contact
    assert (policy["summary"]["total-failure-session-count"] > 0) == (receiver is WRONG)
    if receiver is STS:
        assert "mode: enforce" in policy["policy"]["policy-string"]
    assert set(signers(mail.content)) == {(domain, f"{pair}-{kind}", True) for kind in ("rsa", "ed25519")}
    assert told(host, receiver.domain, at_once) == []


def test_postfix_alone_may_tell(host: Host) -> None:
    connect = (
        f"python3 -c 'import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).connect(\"{SOCKET}\")'"
    )

    assert host.run(f"setpriv --reuid postfix --regid postfix --clear-groups {connect}").rc == 0
    for user in ("twinmx", "_rspamd", "nobody"):
        assert host.run(f"setpriv --reuid {user} --clear-groups {connect}").rc != 0, user


def test_what_was_collected_is_read_by_nobody_else(host: Host) -> None:
    for user in ("postfix", "twinmx", "nobody"):
        assert host.run(f"setpriv --reuid {user} --clear-groups ls {STATE}/").rc != 0, user
    owners = {host.check_output(f"ps -o uid= -p {main_pid(host, unit)}").strip() for unit in UNIT_FILES}
    assert len(owners) == 1


@pytest.mark.parametrize("unit", UNIT_FILES)
def test_it_comes_back_and_sees_nothing_else_of_the_host(host: Host, unit: str) -> None:
    assert host.service(unit).is_running
    assert comes_back_for_ever(host, unit)
    assert exposure(host, unit) <= 1.5


@pytest.mark.changes
def test_without_the_collector_mail_goes_on(host: Host) -> None:
    host.check_output(f"systemctl stop {COLLECTS}")
    try:
        Mailboxes().wait(sent(host, DANE), seconds=30)
    finally:
        host.check_output(f"systemctl start {COLLECTS}")
