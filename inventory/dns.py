"""Which records the served domains and the exchangers get, and who keeps their zones.

What needs a value that only you know (who reads reports, which authority issues certificates) is off until it
is given. What can be derived (addresses, keys, the id of a policy) is no knob.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, StringConstraints, field_validator, model_validator

from inventory.knob import (
    AnyHostAddress,
    Form,
    Fqdn,
    HostAddress,
    Mistake,
    PerHostPath,
    Settings,
    given_twice,
    knob,
    refuse,
)
from inventory.receivers import MailAddress

MOST_LOOKUPS = 10  # RFC 7208, 4.6.4; what an included domain includes counts too


def _plain(value: object) -> object:
    if not isinstance(value, str | int | float):
        raise ValueError("no plain value")  # noqa: TRY004  pydantic reports ValueError alone
    if isinstance(value, str) and value.startswith("env/"):
        raise ValueError("the environment is not read here; a secret option stands in the secrets")
    return value


PythonClass = Annotated[
    str,
    Form("a module and a class, as in octodns_route53.Route53Provider"),
    StringConstraints(pattern=r"^[a-zA-Z_]\w*(\.[a-zA-Z_]\w*)+$"),
]
OptionName = Annotated[
    str,
    Form("the name of an option, as in account_id"),
    StringConstraints(pattern=r"^[a-z][a-z0-9_]*$"),
]
OptionValue = Annotated[Any, Form("text, a number, or true or false"), AfterValidator(_plain)]
ReportTarget = Annotated[
    str,
    Form("a mail address, or a URL from https:// on"),
    StringConstraints(pattern=r"^(https://[!-~]+|[^@\s<>\":/;]+@[^@\s<>\"]+)$", max_length=254),
]
Issuer = Annotated[
    str,
    Form(
        "the domain by which an authority knows itself, with its parameters if need be, as in "
        "ca.example or ca.example; validationmethods=dns-01"
    ),
    StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?( *; *[a-z0-9]+=[!#-:<-\[\]-~]+)*$"),
]


class Provider(Settings):
    """A provider of octoDNS that changes the zones, other than a server that takes updates (RFC 2136)."""

    python_class: PythonClass = knob(says="Its class; the package it comes from is on the controller.")
    options: dict[OptionName, OptionValue] = knob(
        {},
        says="Its options, by the provider's own names. Secret ones are in the secrets, under dns_provider.",
    )


class Spf(Settings):
    """Who else sends mail of the served domains (RFC 7208). The exchangers are always listed."""

    include: tuple[Fqdn, ...] = knob(
        (),
        max_length=MOST_LOOKUPS,
        says="Domains whose SPF lists other senders, as that of a mailing service.",
    )
    others: Literal["fail", "softfail"] = knob("fail", says="What is said of all others: -all or ~all.")

    @field_validator("include")
    @classmethod
    def _domains_differ(cls, include: tuple[str, ...]) -> tuple[str, ...]:
        refuse(given_twice(include))
        return include


class Dmarc(Settings):
    """What receivers do with mail that claims to be from a served domain and is not (RFC 7489)."""

    policy: Literal["none", "quarantine", "reject"] = knob("reject", says="For the served domains.")
    subdomains: Literal["none", "quarantine", "reject"] | None = knob(
        None, says="For their subdomains; left out, the same."
    )
    alignment: Literal["relaxed", "strict"] = knob(
        "relaxed", says="Whether DKIM's and SPF's domain may be a relative of the sender's, or is the same."
    )
    reports: tuple[MailAddress, ...] = knob((), says="Who gets the daily reports (rua).")


class MtaSts(Settings):
    """Whether senders insist on TLS with a valid certificate (RFC 8461). The policy lists all exchangers."""

    mode: Literal["none", "testing", "enforce"] | None = knob(
        None,
        says="What it says; left out, there is no policy. Before that, say none for max_age_seconds.",
    )
    max_age_seconds: int = knob(
        604_800, ge=86_400, le=31_557_600, says="How long senders keep the policy.", unit="seconds"
    )
    host: Fqdn | None = knob(
        None,
        says="A host that serves the policy for all served domains instead of the exchangers; mta-sts.DOMAIN "
        "leads to it.",
    )


class Dane(Settings):
    """The exchangers' TLS keys in DNS (TLSA 3 1 1, RFC 7672). Of use in signed zones only."""

    publish: bool = knob(
        False,
        says="Publish the key of tls.certificate. A new one is next_key for two TTLs before its use.",
    )
    next_key: PerHostPath | None = knob(
        None, says="PEM file with the key, or the certificate, that comes next; published beside the other."
    )


class Caa(Settings):
    """Which authorities may issue certificates for the exchangers and the policy hosts (RFC 8659)."""

    issuers: tuple[Issuer, ...] = knob((), says="The authorities; none, and no CAA record is made.")
    incidents: MailAddress | None = knob(None, says="Who is told of refused requests (iodef).")
    domains: bool = knob(
        False,
        says="Also at the served domains themselves. That binds web sites there too; entries of others stay.",
    )


class Dns(Settings):
    """Where the zones of the served domains are kept, how to change them, and what they say besides MX."""

    server: HostAddress | None = knob(
        None,
        says="Primary name server that takes updates (RFC 2136 with TSIG). Without it, or a provider, DNS is "
        "yours and only shown, never changed. Failover changes MX only by a server.",
    )
    port: int = knob(53, ge=1, le=65535, says="Its port.")
    provider: Provider | None = None
    zones: tuple[Fqdn, ...] = knob(
        (),
        says="Zones we may write in, besides the served domains: those with the exchangers' names, or with "
        "addresses that get reports.",
    )
    ttl: int = knob(
        300, ge=30, le=86400, says="TTL of the records; short, since failover changes MX.", unit="seconds"
    )
    mx_unanswered: Literal["leave", "write"] = knob(
        "leave",
        says="What becomes of MX while no exchanger takes mail on port 25, as before the first converge: it "
        "is left as it is, or written all the same. Meant for one command, with the flag `mx_unanswered`.",
    )
    resolvers: tuple[AnyHostAddress, ...] = knob(
        (), says="Whom `twinmx dns check` asks, best public ones; none, and it asks the controller's own."
    )
    spf: Spf = Spf()
    dmarc: Dmarc = Dmarc()
    mta_sts: MtaSts = MtaSts()
    tls_reports: tuple[ReportTarget, ...] = knob(
        (), says="Who gets the senders' daily reports about TLS (RFC 8460)."
    )
    dane: Dane = Dane()
    caa: Caa = Caa()

    @field_validator("zones")
    @classmethod
    def _zones_differ(cls, zones: tuple[str, ...]) -> tuple[str, ...]:
        refuse(given_twice(zones))
        return zones

    @model_validator(mode="after")
    def _one_way_to_change(self) -> Self:
        if self.server and self.provider:
            reason = "dns.server is set as well; allowed: one of the two"
            refuse([Mistake(("provider",), self.provider, reason)])
        return self

    @property
    def changes(self) -> bool:
        """Whether records are made, not only shown."""
        return bool(self.server or self.provider)
