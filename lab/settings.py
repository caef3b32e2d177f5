"""Names, addresses and places of the lab, in one place.

The network is a documentation range (RFC 5737), so it collides with no network anybody uses.
"""

import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "build" / "lab"

IMAGE_VARIABLE = "TWINMX_IMAGE"
"""Names a pullable Debian 13 image to start from, instead of bootstrapping one."""

LABEL = "twinmx.lab"
NETWORK = "twinmx-lab"
BRIDGE = "twinmx0"
PACKAGES_VOLUME = "twinmx-lab-packages"
IMAGE = "twinmx-lab"

SUBNET = IPv4Network("198.51.100.0/24")
CONTROLLER = SUBNET[1]

SENDER_DOMAIN = "sender.example"
CONTROLLER_NAME = f"controller.{SENDER_DOMAIN}"
SINK_DOMAINS = ("mailbox.example", "post.example", SENDER_DOMAIN)
"""Domains whose mail ends in a mailbox outside; bounces to senders end there too."""


@dataclass(frozen=True)
class Receiver:
    """A domain that says how mail to it must be encrypted, and is right or wrong about its own server.

    dane: in a signed zone, with TLSA records. policy: with an MTA-STS policy to enforce.
    """

    domain: str
    dane: Literal["right", "wrong"] | None = None
    policy: Literal["right", "wrong"] | None = None


RECEIVERS = (
    Receiver("dane.example", dane="right"),
    Receiver("wrong-dane.example", dane="wrong"),
    Receiver("sts.example", policy="right"),
    Receiver("wrong-sts.example", policy="wrong"),
    Receiver("both.example", dane="wrong", policy="right"),
)
SECURE_ZONES = tuple(receiver.domain for receiver in RECEIVERS if receiver.dane)
"""The zones that are signed (DNSSEC)."""

BLOCK_LIST = "list.example"
"""The zone of a DNS block list with its test entry (RFC 5782, 5) and no other."""
LISTED = f"2.0.0.127.{BLOCK_LIST}"

LOOPBACK_DOMAIN = "loopback.example"
LOOPBACK_RECORDS = {
    "one": "MX 10 a-one\na-one A 127.0.0.1",
    "two": "MX 10 a-two\na-two A 127.0.0.2",
    "no-mx": "A 127.0.0.2",
    "any": "MX 10 a-any\na-any A 0.0.0.0",
    "six": "MX 10 a-six\na-six AAAA ::1",
    "mapped": "MX 10 a-mapped\na-mapped AAAA ::ffff:127.0.0.2",
    "address": "MX 10 127.0.0.2.",
    "hexadecimal": "MX 10 0x7f000002.",
}
"""Labels below LOOPBACK_DOMAIN whose mail would go to the very host that asks → why, in a zone file."""


@dataclass(frozen=True)
class LabHost:
    """One container. `name` is Docker's, `alias` is what `ssh` and pyinfra call it.

    route_port: on this port of the outside MTA everything is sent through this host, whatever DNS says.
    """

    name: str
    alias: str
    fqdn: str
    address: IPv4Address
    group: str
    route_port: int | None = None


@dataclass(frozen=True)
class Pair:
    """Exchangers and the domains they serve: two of them, but for the fleet."""

    name: str
    domains: tuple[str, ...]
    hosts: tuple[LabHost, ...]

    @property
    def probe_alias(self) -> str:
        """The alias a probe message is sent to."""
        return f"hello@{self.domains[0]}"


OUTSIDE = LabHost("twinmx-outside", "outside", f"outside.{SENDER_DOMAIN}", SUBNET[10], "outside")

LAB = Pair(
    "lab",
    ("alias.example", "masked.example"),
    (
        LabHost("twinmx-mx1", "mx1", "mx1.alias.example", SUBNET[11], "lab", 2501),
        LabHost("twinmx-mx2", "mx2", "mx2.alias.example", SUBNET[12], "lab", 2502),
    ),
)
SECOND = Pair(
    "second",
    ("vagrant.example",),
    (
        LabHost("twinmx-second-mx1", "second-mx1", "mx1.vagrant.example", SUBNET[21], "second", 2521),
        LabHost("twinmx-second-mx2", "second-mx2", "mx2.vagrant.example", SUBNET[22], "second", 2522),
    ),
)
FLEET = Pair(
    "fleet",
    ("fleet.example",),
    tuple(
        LabHost(
            f"twinmx-fleet-mx{number}",
            f"fleet-mx{number}",
            f"mx{number}.fleet.example",
            SUBNET[30 + number],
            "fleet",
            2530 + number,
        )
        for number in range(1, 9)
    ),
)
"""How a converge grows from host to host is measured on these (bench/fleet); `make up` does without."""
DATABASE = LabHost("twinmx-db", "db", "db.alias.example", SUBNET[13], "database")
"""PostgreSQL, where a converge says that the aliases come from it; `make up` does without."""

PAIRS = {pair.name: pair for pair in (LAB, SECOND, FLEET)}
HOSTS = (OUTSIDE, *LAB.hosts, *SECOND.hosts, *FLEET.hosts, DATABASE)
SERVED_DOMAINS = tuple(domain for pair in PAIRS.values() for domain in pair.domains)
CERTIFIED = {
    host.fqdn: tuple(f"mta-sts.{domain}" for domain in pair.domains)
    for pair in PAIRS.values()
    for host in pair.hosts
} | {
    OUTSIDE.fqdn: (
        *(f"mta-sts.{receiver.domain}" for receiver in RECEIVERS if receiver.policy),
        *(f"mx.{receiver.domain}" for receiver in RECEIVERS if receiver.policy == "right"),
    )
}
"""What a host's certificate is for besides its name: policies that it serves, and what right ones name."""

PROBE_MAILBOX = "hello@mailbox.example"

SUBMISSION_PORT = 2500
"""The outside MTA takes mail from the controller here and routes it by MX, as any sender would."""

DNS_PORT = 53
AUTHORITATIVE_PORT = 5353
"""Knot's port on the outside host; Unbound stands on port 53 in front of it."""

ACME_PORT = 14000
"""Pebble's, on the outside host: an authority that issues certificates by ACME."""

ALERTS_PORT = 9080
"""The outside host takes the exchangers' alerts here, as a pager would, and keeps them to be read."""


def base_image() -> str | None:
    """The image named by the environment, or None where one is to be bootstrapped."""
    return os.environ.get(IMAGE_VARIABLE) or None
