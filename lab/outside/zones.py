"""The zones of the outside world, as text: one function per kind of zone.

A zone of a served domain begins with SOA and NS only. Its owner, the dns role, fills it by DNS UPDATE.
"""

from lab.settings import (
    BLOCK_LIST,
    CONTROLLER,
    CONTROLLER_NAME,
    HOSTS,
    LISTED,
    LOOPBACK_DOMAIN,
    LOOPBACK_RECORDS,
    OUTSIDE,
    RECEIVERS,
    SENDER_DOMAIN,
    SERVED_DOMAINS,
    SINK_DOMAINS,
    SUBNET,
    Receiver,
)
from roles.lib.records.keys import spki_of
from roles.lib.records.tlsa import tlsa_value

TTL = 300
REPORTS = "tls-reports"
"""The mailbox of a receiver that is told how TLS with it goes."""
NEGATIVE_TTL = 5  # a name that a test looked up too early must not stay unknown for long
SOA = (
    "$ORIGIN {zone}.\n$TTL {ttl}\n"
    "@ SOA {server}. hostmaster.{owner}. 1 3600 600 604800 {negative}\n"
    "@ NS {server}.\n"
)


def _start(zone: str) -> str:
    return SOA.format(zone=zone, ttl=TTL, server=OUTSIDE.fqdn, owner=SENDER_DOMAIN, negative=NEGATIVE_TTL)


def served_zone(domain: str) -> str:
    """What a served domain's zone holds before anybody has filled it."""
    return _start(domain)


def mail_zone(domain: str) -> str:
    """A domain whose mail comes from and goes to the outside host."""
    records = [
        f"@ A {OUTSIDE.address}",
        f"@ MX 10 {OUTSIDE.fqdn}.",
        f'@ TXT "v=spf1 ip4:{OUTSIDE.address} -all"',
    ]
    if domain == SENDER_DOMAIN:
        records.append(f"{OUTSIDE.alias} A {OUTSIDE.address}")
        records.append(f"{CONTROLLER_NAME}. A {CONTROLLER}")
    return _start(domain) + "".join(f"{record}\n" for record in records)


def _tlsa(receiver: Receiver, shown: bytes) -> str:
    """The record for the key in the certificate `shown`, or for one that nobody has."""
    if receiver.dane == "wrong":
        return f"3 1 1 {'0' * 64}"
    return tlsa_value(spki_of(shown))


def receiver_zone(receiver: Receiver, shown: bytes) -> str:
    """A domain that asks for TLS; its mail host is the outside one by a name of its own.

    A policy that is right names a host whose certificate fits, so that one has the outside host's own name.
    Each asks for reports on TLS (RFC 8460).
    """
    own = f"mx.{receiver.domain}"
    mail = own if receiver.dane or receiver.policy == "wrong" else OUTSIDE.fqdn
    records = [f"@ MX 10 {mail}.", f"mx A {OUTSIDE.address}"]
    records.append(f'_smtp._tls TXT "v=TLSRPTv1; rua=mailto:{REPORTS}@{receiver.domain}"')
    if receiver.dane:
        records.append(f"_25._tcp.mx TLSA {_tlsa(receiver, shown)}")
    if receiver.policy:
        records += [f"mta-sts A {OUTSIDE.address}", '_mta-sts TXT "v=STSv1; id=1;"']
    return _start(receiver.domain) + "".join(f"{record}\n" for record in records)


def block_list_zone() -> str:
    """A block list, which says what it lists by addresses in 127.0.0.0/8 (RFC 5782)."""
    return _start(BLOCK_LIST) + f"{LISTED}. A 127.0.0.2\n"


def loopback_zone() -> str:
    """Domains that would have whoever sends to them connect to itself."""
    records = (f"{label} {text}\n" for label, text in LOOPBACK_RECORDS.items())
    return _start(LOOPBACK_DOMAIN) + "".join(records)


def policy_texts() -> dict[str, str]:
    """Domain → its MTA-STS policy. The wrong one names a host for which there is no certificate."""
    texts = {}
    for receiver in RECEIVERS:
        if receiver.policy:
            mail = f"mx.{receiver.domain}" if receiver.policy == "wrong" or receiver.dane else OUTSIDE.fqdn
            lines = ("version: STSv1", "mode: enforce", f"mx: {mail}", "max_age: 86400")
            texts[receiver.domain] = "".join(f"{line}\r\n" for line in lines)
    return texts


def reverse_name() -> str:
    """The in-addr.arpa zone of the lab's network (RFC 1035, 3.5)."""
    octets = str(SUBNET.network_address).split(".")[:3]
    return ".".join([*reversed(octets), "in-addr", "arpa"])


def reverse_zone() -> str:
    """A PTR record for each host of the lab, and for the controller."""
    named = {host.address: host.fqdn for host in HOSTS} | {CONTROLLER: CONTROLLER_NAME}
    records = [f"{str(address).rsplit('.', 1)[1]} PTR {name}.\n" for address, name in named.items()]
    return _start(reverse_name()) + "".join(records)


def fixed_zone_names() -> list[str]:
    """The zones that only the lab changes."""
    own = (reverse_name(), BLOCK_LIST, LOOPBACK_DOMAIN)
    return [*SINK_DOMAINS, *(receiver.domain for receiver in RECEIVERS), *own]


def fixed_zones(shown: bytes) -> dict[str, str]:
    """The zones that only the lab changes: name → text; `shown`: the outside host's certificate, in PEM."""
    mail = {zone: mail_zone(zone) for zone in SINK_DOMAINS}
    receivers = {receiver.domain: receiver_zone(receiver, shown) for receiver in RECEIVERS}
    own = {reverse_name(): reverse_zone(), BLOCK_LIST: block_list_zone(), LOOPBACK_DOMAIN: loopback_zone()}
    return mail | receivers | own


def served_zones() -> dict[str, str]:
    """The zones that their owner fills: name → first text."""
    return {zone: served_zone(zone) for zone in SERVED_DOMAINS}
