"""The zones of the outside world, as text: one function per kind of zone.

A zone of a served domain begins with SOA and NS only. Its owner, the dns role, fills it by DNS UPDATE.
"""

from lab.settings import (
    CONTROLLER,
    CONTROLLER_NAME,
    HOSTS,
    OUTSIDE,
    SENDER_DOMAIN,
    SERVED_DOMAINS,
    SINK_DOMAINS,
    SUBNET,
)

TTL = 300
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


def reverse_name() -> str:
    """The in-addr.arpa zone of the lab's network (RFC 1035, 3.5)."""
    octets = str(SUBNET.network_address).split(".")[:3]
    return ".".join([*reversed(octets), "in-addr", "arpa"])


def reverse_zone() -> str:
    """A PTR record for each host of the lab, and for the controller."""
    named = {host.address: host.fqdn for host in HOSTS} | {CONTROLLER: CONTROLLER_NAME}
    records = [f"{str(address).rsplit('.', 1)[1]} PTR {name}.\n" for address, name in named.items()]
    return _start(reverse_name()) + "".join(records)


def fixed_zones() -> dict[str, str]:
    """The zones that only the lab changes: name → text."""
    return {zone: mail_zone(zone) for zone in SINK_DOMAINS} | {reverse_name(): reverse_zone()}


def served_zones() -> dict[str, str]:
    """The zones that their owner fills: name → first text."""
    return {zone: served_zone(zone) for zone in SERVED_DOMAINS}
