"""The DNS records of the served domains: MX by priority, the exchangers' addresses, SPF and DMARC.

Ports: none on the hosts. It runs on the controller, after the exchangers have converged, and changes a
record set only where it differs. octoDNS compares and applies; in the lab by RFC 2136 with TSIG. What it
does not own (any other name or type in the zone: the web site's address, NS; any other text beside SPF) is
never touched. Nor is what a failover did to MX, unless that is to end.
"""

import shlex
from collections.abc import Collection, Generator
from functools import cache
from pathlib import Path
from typing import Any

from octodns.processor.base import BaseProcessor
from octodns.provider.plan import Plan
from octodns.record import Record
from octodns.zone import Zone
from octodns_bind import Rfc2136Provider
from pyinfra import logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.operation import operation

from inventory.schema import Exchange
from inventory.secrets import Secrets, load_secrets
from roles.lib.agents import Standing, standing
from roles.lib.role import role
from twinmx.failover.mx import order_with

RecordKey = tuple[str, str]

Record.enable_validators({"legacy"})  # the set that is in force by default; unsaid, octoDNS warns about it


def mx_preferences(exchange: Exchange, demoted: Collection[str] = ()) -> dict[str, int]:
    """Exchanger → preference: the inventory's, handed out anew with `demoted` behind the others."""
    hosts = sorted(exchange.exchangers, key=lambda name: exchange.exchangers[name].mx_priority)
    preferences = [exchange.exchangers[name].mx_priority for name in hosts]
    return dict(zip(order_with(hosts, demoted), preferences, strict=True))


def mail_records(
    exchange: Exchange, domain: str, demoted: Collection[str] = ()
) -> dict[RecordKey, dict[str, Any]]:
    """The records that make `domain` receive its mail here: (name below the domain, type) → octoDNS data.

    Sources: RFC 5321 5.1 (MX), RFC 7208 (SPF), RFC 7489 (DMARC).
    """
    hosts = exchange.exchangers.values()
    ttl = {"ttl": exchange.dns.ttl}
    sources = [f"ip4:{host.address}" for host in hosts]
    sources += [f"ip6:{host.address6}" for host in hosts if host.address6]
    mx = [
        {"preference": preference, "exchange": f"{exchange.exchangers[name].fqdn}."}
        for name, preference in mx_preferences(exchange, demoted).items()
    ]
    records: dict[RecordKey, dict[str, Any]] = {
        ("", "MX"): {"values": mx} | ttl,
        ("", "TXT"): {"values": [f"v=spf1 {' '.join(sources)} -all"]} | ttl,
        ("_dmarc", "TXT"): {"values": [f"v=DMARC1\\; p={exchange.dns.dmarc}"]} | ttl,
    }
    for host in hosts:
        if host.fqdn.endswith(f".{domain}"):
            name = host.fqdn.removesuffix(f".{domain}")
            records[name, "A"] = {"values": [str(host.address)]} | ttl
            if host.address6:
                records[name, "AAAA"] = {"values": [str(host.address6)]} | ttl
    return records


def desired_zone(exchange: Exchange, domain: str, demoted: Collection[str] = ()) -> Zone:
    """octoDNS's picture of what `domain` shall hold of ours."""
    zone = Zone(f"{domain}.", [])
    for (name, kind), data in mail_records(exchange, domain, demoted).items():
        zone.add_record(Record.new(zone, name, {"type": kind} | data))
    return zone


def _is_spf(text: str) -> bool:
    """RFC 7208, 4.5: the version is the whole text, or a space follows it."""
    return text.lower().split(" ", 1)[0] == "v=spf1"


class OnlyOurs(BaseProcessor):  # type: ignore[misc]
    """Keeps octoDNS from deleting what is not ours: record sets, and texts that share a set with ours."""

    def __init__(self, owned: set[RecordKey]) -> None:
        super().__init__("only-ours")
        self.owned = owned

    def process_target_zone(self, existing: Zone, target: Any, lenient: bool = False) -> Zone:
        """Drop what is not owned from the picture of the zone as it is."""
        for record in list(existing.records):
            if (record.name, record._type) not in self.owned:
                existing.remove_record(record)
        return existing

    def process_source_and_target_zones(
        self, desired: Zone, existing: Zone, target: Any, lenient: bool = False
    ) -> tuple[Zone, Zone]:
        """Let the domain's own TXT set keep its other texts (proofs of ownership, for one)."""
        found = next((r for r in existing.records if (r.name, r._type) == ("", "TXT")), None)
        if found:
            ours = next(r for r in desired.records if (r.name, r._type) == ("", "TXT"))
            others = [text for text in found.values if not _is_spf(text)]
            data = {"type": "TXT", "ttl": ours.ttl, "values": [*ours.values, *others]}
            desired.add_record(Record.new(desired, "", data, lenient=True), replace=True)
        return desired, existing


def provider(exchange: Exchange, secrets: Secrets) -> Rfc2136Provider:
    """The primary name server of the inventory, spoken to with its key."""
    if secrets.tsig is None:
        raise ValueError(f"{exchange.secrets_file}: tsig: missing, but dns.server is set")
    return Rfc2136Provider(
        "primary",
        str(exchange.dns.server),
        port=exchange.dns.port,
        key_name=secrets.tsig.name,
        key_secret=secrets.tsig.secret.get_secret_value(),
        key_algorithm=secrets.tsig.algorithm,
        root_ns_warnings=False,  # NS is not ours: it stays as it is
    )


def plan(exchange: Exchange, domain: str, target: Rfc2136Provider, standing: Standing) -> Plan | None:
    """What would have to change at `target` for `domain`; None where nothing would.

    The MX set is left as it is while an agent cannot be asked whether it has changed it.
    """
    owned = set(mail_records(exchange, domain))
    if standing.silent:
        owned.discard(("", "MX"))
    desired = desired_zone(exchange, domain, standing.demoted)
    for record in list(desired.records):
        if (record.name, record._type) not in owned:
            desired.remove_record(record)
    return target.plan(desired, processors=[OnlyOurs(owned)])


@cache
def _asked(names: tuple[str, ...]) -> Standing:
    return standing(names)


def _standing(exchange: Exchange) -> Standing:
    """What the agents say, asked once in a run and told; without what is going to be ended."""
    found = _asked(tuple(exchange.exchangers))
    if exchange.failover.under_way == "end":
        if found.silent:
            logger.info("    MX: written all the same, %s cannot be asked", ", ".join(found.silent))
        found = found.ended()
    for name, why in found.demoted.items():
        how = "by an order: mxctl undrain" if name in found.ordered else "to end it: --data failover=end"
        logger.info("    MX: %s stays behind the others, a failover is under way (%s); %s", name, why, how)
    if found.silent:
        logger.info("    MX: left as it is, %s cannot be asked", ", ".join(found.silent))
    return found


@operation()
def _zone(exchange: Exchange, domain: str) -> Generator[FunctionCommand | StringCommand, None, None]:
    server = f"{exchange.dns.server}:{exchange.dns.port}"
    try:
        target = provider(exchange, load_secrets(Path(exchange.secrets_file)))
        changes = plan(exchange, domain, target, _standing(exchange))
    except Exception as error:  # dnspython, octoDNS or the network: all end this operation
        text = f"{domain}: the name server {server} does not let its zone be read: {error}"
        yield StringCommand(f"echo {shlex.quote(text)}; exit 1")
        return
    if changes is None:
        return
    for change in changes.changes:
        logger.info("    %s: %s", domain, change)
    yield FunctionCommand(target.apply, [changes], {})


@role("dns")
def deploy(exchange: Exchange) -> None:
    """Bring the zone of each served domain up to date, where the inventory names a server."""
    if exchange.dns.server is None:
        for domain in exchange.domains:
            for record in sorted(desired_zone(exchange, domain).records):
                name, ttl, kind, values = record.rrs
                for value in values:
                    logger.info("    to be set by you: %s %s %s %s", name, ttl, kind, value)
        return
    for domain in exchange.domains:
        _zone(exchange=exchange, domain=domain, name=f"{domain}: zone")
