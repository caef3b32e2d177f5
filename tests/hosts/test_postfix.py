"""The two Postfix instances, as postconf and a peer see them."""

import smtplib

import pytest

from inventory.schema import Exchange, Exchanger
from lab.mailbox import new_token
from lab.settings import LOOPBACK_DOMAIN, LOOPBACK_RECORDS
from tests.hosts.asking import Host, comes_back_for_ever, exposure, run_python
from tests.mail.outside import wait_for_mail_to

pytestmark = pytest.mark.role("postfix")

INBOUND, OUT = "/etc/postfix", "/etc/postfix-out"
EHLO_OUT = """
import smtplib
with smtplib.SMTP("127.0.0.1", 20386, timeout=5) as session:
    session.ehlo("test.example")
    print("\\n".join(session.esmtp_features))
    print(*session.docmd("MAIL FROM:<a@sender.example>"))
    print(*session.docmd("RCPT TO:<b@mailbox.example>"))
"""

SEND = """
import smtplib
with smtplib.SMTP("127.0.0.1", 20386, timeout=10) as session:
    session.sendmail("{sender}", ["{recipient}"], b"From: a@alias.example\\r\\n\\r\\nHi.\\r\\n")
"""


def value(host: Host, instance: str, name: str) -> str:
    """A parameter of main.cf in force, its own parameters expanded."""
    return str(host.check_output(f"postconf -c {instance} -hx {name}"))


@pytest.mark.parametrize(
    ("instance", "parameter", "wanted"),
    [
        (INBOUND, "smtpd_forbid_bare_newline", "normalize"),
        (INBOUND, "smtpd_forbid_bare_newline_exclusions", ""),
        (INBOUND, "smtpd_forbid_unauth_pipelining", "yes"),
        (INBOUND, "cleanup_replace_stray_cr_lf", "yes"),
        (INBOUND, "receive_override_options", ""),
        (INBOUND, "mynetworks", ""),
        (INBOUND, "mydestination", ""),
        (INBOUND, "smtpd_relay_restrictions", "reject_unauth_destination"),
        (INBOUND, "fwd_destination_recipient_limit", "1"),
        (INBOUND, "fwd_destination_concurrency_limit", "4"),
        (INBOUND, "fwd_destination_concurrency_failed_cohort_limit", "100"),
        (INBOUND, "maximal_backoff_time", "600s"),
        (INBOUND, "in_flow_delay", "1s"),
        (INBOUND, "soft_bounce", "no"),
        (OUT, "in_flow_delay", "0"),
        (OUT, "smtp_line_length_limit", "0"),
        (OUT, "maximal_backoff_time", "4000s"),
        (OUT, "inet_interfaces", "loopback-only"),
        (OUT, "mydestination", ""),
    ],
)
def test_a_parameter_that_an_incident_or_an_attack_taught(
    host: Host, instance: str, parameter: str, wanted: str
) -> None:
    assert value(host, instance, parameter) == wanted


def test_there_are_two_instances_with_queues_of_their_own(host: Host) -> None:
    instances = [line.split()[-1] for line in host.check_output("postmulti -l").splitlines()]
    queues = {value(host, instance, "queue_directory") for instance in (INBOUND, OUT)}
    data = {value(host, instance, "data_directory") for instance in (INBOUND, OUT)}

    assert set(instances) <= {INBOUND, OUT}
    assert len(queues) == len(data) == 2
    for instance in (INBOUND, OUT):
        assert host.run(f"postfix -c {instance} status").rc == 0
        assert host.run(f"postqueue -c {instance} -j").rc == 0


def test_both_start_at_boot(host: Host) -> None:
    for unit in ("postfix.service", "postfix@out.service"):
        assert host.service(unit).is_enabled
        assert host.service(unit).is_running


@pytest.mark.parametrize("instance", [INBOUND, OUT])
def test_postfix_has_nothing_to_complain_about(host: Host, instance: str) -> None:
    assert host.run(f"postfix -c {instance} check 2>&1").stdout == ""
    assert host.run(f"postconf -c {instance} 2>&1 >/dev/null").stdout == ""


def test_what_comes_in_goes_to_this_hosts_forwarder_and_then_to_the_peers(
    host: Host, exchange: Exchange, name: str
) -> None:
    peers = [f"[{peer.peer}]:20381" for peer in exchange.peers_of(name)]

    assert value(host, INBOUND, "relay_transport") == f"fwd:{', '.join(['[127.0.0.1]:20381', *peers])}"
    assert set(value(host, INBOUND, "relay_domains").split()) == set(exchange.domains)


def test_the_disk_is_not_filled_by_one_message(host: Host, exchange: Exchange) -> None:
    for instance in (INBOUND, OUT):
        size = int(value(host, instance, "message_size_limit"))
        assert size >= exchange.messages.max_bytes
        assert int(value(host, instance, "queue_minfree")) >= 2 * size


def test_what_is_announced_to_the_world(exchange: Exchange, exchanger: Exchanger) -> None:
    with smtplib.SMTP(str(exchanger.address), 25, timeout=10) as session:
        session.ehlo("controller.sender.example")
        offered = session.esmtp_features

        assert {"starttls", "8bitmime", "smtputf8", "pipelining", "enhancedstatuscodes"} <= offered.keys()
        assert offered["size"] == str(exchange.messages.max_bytes)
        assert not {"chunking", "etrn", "vrfy", "auth", "xforward", "xclient"} & offered.keys()
        assert session.docmd("VRFY", f"hello@{exchange.domains[0]}")[0] in (502, 252)


def test_the_greeting_names_the_host_and_no_version(exchanger: Exchanger) -> None:
    session = smtplib.SMTP(timeout=10)
    _, greeting = session.connect(str(exchanger.address), 25)
    session.quit()

    assert greeting.decode() == f"{exchanger.fqdn} ESMTP"


def test_the_sending_instance_takes_mail_from_this_host(host: Host) -> None:
    *features, mail, recipient = run_python(host, EHLO_OUT).splitlines()

    assert {"8bitmime", "smtputf8", "size"} <= set(features)
    assert mail.startswith("250 ")
    assert recipient.startswith("250 ")


@pytest.mark.parametrize("label", LOOPBACK_RECORDS)
def test_dns_of_a_stranger_does_not_lead_the_sending_instance_to_this_host(host: Host, label: str) -> None:
    """The sender is told at once, and no connection was made: no server said anything."""
    sender = f"{new_token()}@sender.example"

    run_python(host, SEND.format(sender=sender, recipient=f"a@{label}.{LOOPBACK_DOMAIN}"))

    bounce = wait_for_mail_to(sender)
    assert b"Status: 5.4.4" in bounce
    assert b"resolves to loopback addresses only" in b" ".join(bounce.split()), "lines are folded"
    assert b"Remote-MTA" not in bounce


@pytest.mark.parametrize("unit", ["postfix.service", "postfix@out.service"])
def test_it_is_no_more_exposed_than_needed(host: Host, unit: str) -> None:
    assert exposure(host, unit) <= 3.5


@pytest.mark.parametrize("unit", ["postfix.service", "postfix@out.service"])
def test_a_master_that_was_killed_comes_back_for_ever(host: Host, unit: str) -> None:
    assert comes_back_for_ever(host, unit)
