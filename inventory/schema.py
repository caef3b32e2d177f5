"""Every fact and knob of an exchange, typed. The values are in a YAML file beside this one.

Why typed: in the incidents this project answers, the damage came from values nobody had looked at (a
limit answered with 421, a filter without a deadline). Here a value that cannot work is refused with its
key, and what is allowed, before any host is touched.
"""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from itertools import combinations
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from inventory.access import Access
from inventory.acme import Acme
from inventory.alias_source import AliasSource, Database, source_mistakes
from inventory.canary import Canary, canary_alias, too_long_names
from inventory.deadlines import Deadlines, not_nested
from inventory.dns import Dns
from inventory.drift import Drift
from inventory.drills import Drills
from inventory.failover import Failover
from inventory.gate import Gate
from inventory.knob import (
    FilePath,
    Fqdn,
    HostAddress,
    HostAddress6,
    Mistake,
    PerHostPath,
    Settings,
    ShortName,
    given_twice,
    knob,
    refuse,
)
from inventory.limits import RateLimits, nobody_shares
from inventory.monitors import Monitors
from inventory.receivers import through_ourselves
from inventory.resolver import Resolver
from inventory.rolling import Rolling
from inventory.secret_source import SecretSource
from inventory.signing import Signing
from inventory.spam import Spam
from inventory.tls_reports import TlsReports, foreign_contact
from twinmx.aliases.model import Alias


class Exchanger(Settings):
    """One mail exchanger."""

    fqdn: Fqdn = knob(says="Its name in DNS, in its certificate and in its SMTP greeting.")
    address: HostAddress = knob(says="The public IPv4 address on which it accepts mail.")
    address6: HostAddress6 | None = knob(None, says="Its public IPv6 address, if it has one.")
    peer_address: HostAddress | None = knob(
        None, says="The address at which the other exchangers reach its forwarder; `address` if left out."
    )
    mx_priority: int = knob(
        ge=0, le=65535, says="Its preference in the MX records; senders try the lowest first (RFC 5321, 5.1)."
    )
    active: bool = knob(
        True,
        says="Whether it accepts mail. An inactive one is drained: no port 25, its queue goes to the peers.",
    )

    @property
    def peer(self) -> IPv4Address:
        """The address for traffic between exchangers."""
        return self.peer_address or self.address


def _taken(exchangers: Mapping[str, Exchanger]) -> Iterator[Mistake]:
    """What an exchanger has that belongs to another one, laid at the later of the two."""
    for (first, one), (second, other) in combinations(exchangers.items(), 2):
        for attribute in ("fqdn", "address", "address6", "peer_address", "mx_priority"):
            value = getattr(other, attribute)
            if value is not None and value == getattr(one, attribute):
                reason = f"{first} has the same; allowed: one of its own for each"
                yield Mistake((second, attribute), value, reason)
        for name, peer, owner, address in (
            (second, other.peer_address, first, one.address),
            (first, one.peer_address, second, other.address),
        ):
            if peer == address:
                reason = f"is the address of {owner}; allowed: an address of {name} itself"
                yield Mistake((name, "peer_address"), peer, reason)


def _shared_with(database: Database, exchangers: Mapping[str, Exchanger]) -> Iterator[Mistake]:
    """What the database's host has that belongs to an exchanger: roles of both do not live on one host."""
    for name, exchanger in exchangers.items():
        for attribute in ("fqdn", "address"):
            if getattr(database, attribute) == getattr(exchanger, attribute):
                reason = f"{name} has the same; allowed: a host of its own"
                yield Mistake(("database", attribute), getattr(database, attribute), reason)


class Forwarder(Settings):
    """The program between the two Postfix instances."""

    workers: int = knob(6, ge=1, le=64, says="Worker processes on each host.", unit="processes")
    bounce_days: int = knob(
        21,
        ge=1,
        le=365,
        says="How long a rewritten sender address (SRS) is accepted for bounces.",
        unit="days",
    )
    queue_slots: Literal["alias", "shared"] = knob(
        "alias",
        says="What the queue before it counts deliveries by. shared is one slot for all, with the limits and "
        "the waiting times that Postfix comes with, so that whoever is put off holds up everybody; it exists "
        "only to replay the incidents of 2020 and 2021 in a drill.",
    )
    hand_over: bool = knob(
        True,
        says="Whether mail goes to the other exchangers' forwarders where the own one does not answer, and "
        "`failover.standby_share` of it anyway; false exists only to replay the incidents of 2020 and 2021 "
        "in a drill.",
    )
    alone_seconds: float = knob(
        0,
        ge=0,
        le=2,
        says="How long a worker has each message alone, as the mail handler of June 2021 had; 0 is no time, "
        "and any number at once. More exists only to replay that incident in a drill.",
        unit="seconds",
    )
    asks_database: bool = knob(
        False,
        says="Whether a worker asks the database of the aliases before each message, which it has alone, as "
        "the mail handler of July 2021 did; true exists only to replay that incident in a drill.",
    )


class Messages(Settings):
    """What a message may be."""

    max_bytes: int = knob(
        36_700_160, ge=65_536, le=209_715_200, says="Largest message accepted (SMTP SIZE).", unit="bytes"
    )
    max_recipients: int = knob(
        100, ge=1, le=1000, says="Recipients in one SMTP transaction.", unit="recipients"
    )


class Tls(Settings):
    """Certificates, as files on the controller; {fqdn} stands for the exchanger's name."""

    certificate: PerHostPath = knob(says="PEM file with the certificate and its chain.")
    key: PerHostPath = knob(says="PEM file with the private key; copied to the host with mode 0400.")
    minimum: Literal["TLSv1.2", "TLSv1.3"] = knob("TLSv1.2", says="Oldest TLS version accepted on port 25.")
    authorities: FilePath | None = knob(
        None,
        says="PEM file with the authorities that receivers' MTA-STS certificates are checked by; left out, "
        "those of Debian.",
    )
    acme: Acme | None = None
    reports: TlsReports = TlsReports()


class Exchange(Settings):
    """The whole service: its exchangers, the domains they serve, and every knob."""

    domains: tuple[Fqdn, ...] = knob(min_length=1, says="The served domains; aliases live in them.")
    exchangers: dict[ShortName, Exchanger] = knob(min_length=1, says="The hosts by short name (mx1, mx2 …).")
    aliases_file: FilePath = knob(
        "inventory/aliases.yml", says="Which aliases there are and where they lead."
    )
    alias_source: AliasSource = knob(
        "file", says="Where the exchangers take the aliases from: aliases_file, or the database."
    )
    database: Database | None = knob(None, says="The PostgreSQL with the aliases.")
    secrets_from: SecretSource
    gate: Gate = Field(default_factory=Gate)
    forwarder: Forwarder = Field(default_factory=Forwarder)
    deadlines: Deadlines = Field(default_factory=Deadlines)
    rate_limits: RateLimits = Field(default_factory=RateLimits)
    spam: Spam = Field(default_factory=Spam)
    messages: Messages = Field(default_factory=Messages)
    canary: Canary = Field(default_factory=Canary)
    tls: Tls
    dns: Dns = Field(default_factory=Dns)
    resolver: Resolver = Field(default_factory=Resolver)
    signing: Signing = Field(default_factory=Signing)
    monitors: Monitors = Field(default_factory=Monitors)
    failover: Failover = Field(default_factory=Failover)
    rolling: Rolling = Field(default_factory=Rolling)
    drift: Drift = Field(default_factory=Drift)
    drills: Drills = Field(default_factory=Drills)
    access: Access

    @field_validator("domains")
    @classmethod
    def _domains_differ(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        refuse(given_twice(domains))
        return domains

    @field_validator("exchangers")
    @classmethod
    def _exchangers_differ(cls, exchangers: dict[str, Exchanger]) -> dict[str, Exchanger]:
        refuse([*_taken(exchangers), *too_long_names(exchangers)])
        if not any(exchanger.active for exchanger in exchangers.values()):
            raise ValueError(
                f"none of {', '.join(exchangers)} is active; allowed: at least one active exchanger"
            )
        return exchangers

    @model_validator(mode="after")
    def _database_fits(self) -> Self:
        refuse(source_mistakes(self.alias_source, self.database))
        if self.forwarder.asks_database and not self.followed:
            reason = "there is no database to ask; allowed: false, or alias_source: postgresql"
            refuse([Mistake(("forwarder", "asks_database"), True, reason)])
        if self.database:
            refuse(list(_shared_with(self.database, self.exchangers)))
        return self

    @model_validator(mode="after")
    def _deadlines_nest(self) -> Self:
        refuse(not_nested(self.spam, self.deadlines))
        return self

    @model_validator(mode="after")
    def _counts_somewhere(self) -> Self:
        refuse(nobody_shares(self.rate_limits, self.exchangers))
        return self

    @model_validator(mode="after")
    def _reports_are_ours(self) -> Self:
        found = foreign_contact(self.tls.reports, self.domains)
        refuse([Mistake(("tls", "reports", *key), value, reason) for key, value, reason in found])
        return self

    @model_validator(mode="after")
    def _alerts_leave_past_us(self) -> Self:
        names = [exchanger.fqdn for exchanger in self.exchangers.values()]
        found = through_ourselves(self.monitors.receivers, names, self.domains)
        refuse([Mistake(("monitors", *key), value, reason) for key, value, reason in found])
        return self

    @property
    def followed(self) -> Database | None:
        """The database that the exchangers follow; None where the aliases come from the file."""
        return self.database if self.alias_source == "postgresql" else None

    @property
    def canary_aliases(self) -> dict[str, Alias]:
        """Of each exchanger the alias to which it sends its canary's messages; no source lists them."""
        return {name: canary_alias(name, self.domains[0]) for name in self.exchangers}

    @property
    def tls_contact(self) -> str:
        """Whom receivers may ask about our reports on TLS; their sender, too."""
        return self.tls.reports.contact or f"postmaster@{self.domains[0]}"

    def peers_of(self, name: str) -> list[Exchanger]:
        """The other exchangers, in MX order."""
        others = [exchanger for other, exchanger in self.exchangers.items() if other != name]
        return sorted(others, key=lambda exchanger: exchanger.mx_priority)
