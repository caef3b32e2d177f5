"""The resolver on each exchanger: it validates, and answers this host alone."""

import pytest

from lab.settings import LISTED, SECURE_ZONES
from tests.hosts.asking import Host, comes_back_for_ever, exposure, reach, run_python

pytestmark = pytest.mark.role("resolver")

PYTHON = "/opt/twinmx/current/bin/python"
ASK = """
import dns.flags, dns.message, dns.query, dns.rcode
asked = dns.message.make_query({name!r}, {kind!r})
asked.flags |= dns.flags.AD
answer = dns.query.udp(asked, "127.0.0.1", timeout=5)
print(dns.rcode.to_text(answer.rcode()), bool(answer.flags & dns.flags.AD))
"""
ADDRESSES = """
import socket
print(*sorted({{found[4][0] for found in socket.getaddrinfo({name!r}, 25, socket.AF_INET)}}))
"""


def asked(host: Host, name: str, kind: str) -> list[str]:
    """Status, and whether the answer was validated."""
    return run_python(host, ASK.format(name=name, kind=kind), PYTHON).split()


def test_the_host_asks_its_own_resolver(host: Host) -> None:
    assert "nameserver 127.0.0.1\n" in host.file("/etc/resolv.conf").content_string


@pytest.mark.parametrize("zone", SECURE_ZONES)
def test_what_a_signed_zone_says_is_validated(host: Host, exchange: object, zone: str) -> None:
    if not host.file("/etc/unbound/anchors").exists:
        pytest.skip("this inventory has no anchors")
    assert asked(host, zone, "MX") == ["NOERROR", "True"]
    assert asked(host, f"_25._tcp.mx.{zone}", "TLSA") == ["NOERROR", "True"]


def test_what_nobody_signed_is_answered_and_not_called_validated(host: Host) -> None:
    assert asked(host, "mailbox.example", "MX") == ["NOERROR", "False"]


def test_a_block_list_is_heard(host: Host) -> None:
    """It says what it has listed by addresses in 127.0.0.0/8 (RFC 5782), which spam engines look for."""
    assert run_python(host, ADDRESSES.format(name=LISTED)).split() == ["127.0.0.2"]


def test_no_other_host_can_ask_it(host: Host, outside: Host, exchanger: object) -> None:
    address = host.check_output("hostname -i").split()[0]
    assert reach(outside, address, 53) != "open"


def test_it_is_hardened_and_comes_back(host: Host) -> None:
    assert host.service("unbound.service").is_running
    assert comes_back_for_ever(host, "unbound.service")
    assert exposure(host, "unbound.service") <= 2.0
    assert host.check_output("ps -o user= -C unbound").split() == ["unbound"]
