"""The DNS records of the served domains and of the exchangers: the whole plan, in zones that may hold more.

Ports: none on the hosts. It runs on the controller, after the exchangers have converged, and changes a
record set only where it differs. octoDNS compares and applies: by RFC 2136 with TSIG, or by any of its
providers. What it does not own (any other name or type in the zone: the web site's address, NS; any other
text beside SPF) is never touched. Nor is what a failover did to MX, unless that is to end; nor MX at all
while no exchanger takes mail, since senders would follow it.
"""

import shlex
from collections.abc import Generator, Iterable
from functools import cache

from octodns.provider.plan import Plan
from octodns.record import Change, Record
from pyinfra import logger
from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import state

from inventory.schema import Exchange, Exchanger
from inventory.secrets import the_secrets
from roles.lib.agents import END_FLAG, UNDRAIN, Standing, standing
from roles.lib.changes import ByHand, Kept, Obstacle, RecordChange, RecordSet
from roles.lib.greeting import why_no_mail
from roles.lib.records.keys import Keys, published_keys
from roles.lib.records.target import target_of
from roles.lib.records.wanted import Wanted
from roles.lib.records.whole import wanted_records
from roles.lib.records.zones import OnlyOurs, by_zone, plan_zone, values_of, zones_of
from roles.lib.role import role
from roles.lib.settling import settled
from roles.lib.telling import DNS, executing, tell


def in_force(exchange: Exchange, keys: Keys, found: Standing) -> list[Wanted]:
    """What DNS shall say as long as the agents stand as they do.

    MX is not among it while one of them cannot be asked whether it has changed it.
    """
    wanted = wanted_records(exchange, keys, found.demoted)
    return [record for record in wanted if not (found.silent and record.kind == "MX")]


SETTLING_SECONDS = 20.0
WAY_TO_MX = "twinmx converge; to write it all the same: --data mx_unanswered=write"


@cache
def _asked(names: tuple[str, ...], _executing: bool) -> Standing:
    return settled(lambda: standing(names), lambda found: not found.silent, _settling())


def _settling() -> float:
    """Seconds that exchangers have to answer: they may have been started by this run a moment ago."""
    return SETTLING_SECONDS if executing() and _converges_exchangers() else 0.0


def _standing(exchange: Exchange) -> Standing:
    """What the agents say, asked once in a plan and once before it is carried out, and told; without what
    is going to be ended.
    """
    found = _asked(tuple(exchange.exchangers), executing())
    if exchange.failover.under_way == "end":
        if found.silent and exchange.dns.changes:
            logger.info("    MX: written all the same, %s cannot be asked", ", ".join(found.silent))
        found = found.ended()
    else:
        _tell_drains(found)
    if exchange.dns.changes:
        _tell_mx(found)
    return found


def _tell_drains(found: Standing) -> None:
    for name, done in found.by_itself.items():
        what = f"{' and '.join(done)} {'stay' if done[1:] else 'stays'}"
        tell(Kept(what=what, why=f"the failover agent of {name} did it", end=END_FLAG), of=name)
    for name in found.ordered:
        tell(Kept(what=f"{name} stays drained", why="by an order", end=UNDRAIN), of=name)


def _tell_mx(found: Standing) -> None:
    for name, why in found.demoted.items():
        what = f"MX: {name} stays behind the others"
        end = UNDRAIN if name in found.ordered else END_FLAG
        tell(Kept(what=what, why=f"a failover is under way ({why})", end=end), of=DNS)
    if found.silent:
        tell(Kept(what="MX: left as it is", why=f"{', '.join(found.silent)} cannot be asked"), of=DNS)


@cache
def _why_no_mail(exchanger: Exchanger, _executing: bool) -> str:
    return settled(lambda: why_no_mail(exchanger), lambda why: not why, _settling())


def why_nobody(exchange: Exchange, found: Standing) -> str:
    """Why none of the exchangers takes mail, in words; empty where one does."""
    reasons = []
    for name, exchanger in exchange.exchangers.items():
        absent = f"{exchanger.fqdn} has never been converged" if name in found.absent else ""
        why = absent or _why_no_mail(exchanger, executing())
        if not why:
            return ""
        reasons.append(why)
    return "; ".join(reasons)


def _converges_exchangers() -> bool:
    """Whether this run does so as well, before DNS."""
    return any(known.data.get("exchanger") and state.is_host_in_limit(known) for known in state.inventory)


def _leads_nowhere(exchange: Exchange, found: Standing, planned: Plan | None) -> bool:
    """Whether the MX that is planned would lead mail to hosts that take none; told.

    Not asked in the plan of a run that converges exchangers first: what they are then is seen then.
    """
    if not any(change.record._type == "MX" for change in (planned.changes if planned else ())):
        return False
    if exchange.dns.mx_unanswered == "write" or (not executing() and _converges_exchangers()):
        return False
    why = why_nobody(exchange, found)
    if why:
        tell(Kept(what="MX: left as it is", why=f"no exchanger takes mail ({why})", end=WAY_TO_MX), of=DNS)
    return bool(why)


def record_change(domain: str, change: Change) -> RecordChange:
    """octoDNS's difference of one record set of `domain`, as we tell it."""
    before, after = (_record_set(record) for record in (change.existing, change.new))
    return RecordChange(
        zone=domain,
        name=change.record.fqdn,
        type=change.record._type,
        action="change" if before and after else "create" if after else "remove",
        before=before,
        after=after,
    )


def _record_set(record: Record | None) -> RecordSet | None:
    if record is None:
        return None
    return RecordSet(ttl=record.ttl, values=tuple(sorted(values_of(record))))


def _tell_others(changes: Iterable[Change], ours: OnlyOurs) -> None:
    """Say what of others stands in the sets that change, and which sets cannot be changed for its sake."""
    for change in changes:
        for value in ours.beside.get((change.record.fqdn, change.record._type), ()):
            what = f"{change.record.fqdn} {change.record._type} {value}"
            tell(Kept(what=what, why="it is not ours"), of=DNS)
    for record, why in ours.left.items():
        what = f"{record.name}. {record.kind}: left as it is, to be set by you: {' '.join(record.values)}"
        tell(Kept(what=what, why=why), of=DNS)


@operation()
def _zone(exchange: Exchange, zone: str) -> Generator[FunctionCommand | StringCommand, None, None]:
    trouble = "the failover agents cannot be asked"
    try:
        found = _standing(exchange)
        trouble = f"{_keeper(exchange)} does not let its zone be read"
        secrets = the_secrets(exchange.secrets_from)
        wanted = in_force(exchange, published_keys(exchange, secrets), found)
        records, target = by_zone(wanted, zones_of(exchange))[0][zone], target_of(exchange, secrets)
        changes, ours = plan_zone(zone, records, exchange.dns.ttl, target)
        if _leads_nowhere(exchange, found, changes):
            records = [record for record in records if record.kind != "MX"]
            changes, ours = plan_zone(zone, records, exchange.dns.ttl, target)
    except Exception as error:  # SSH, dnspython, octoDNS or the network: all end this operation
        text = f"{zone}: {trouble}: {error or type(error).__name__}"
        tell(Obstacle(text=text))
        yield StringCommand(f"echo {shlex.quote(text)}; exit 1")
        return
    differing = changes.changes if changes else []
    _tell_others(differing, ours)
    for change in differing:
        tell(record_change(zone, change))
    if differing:
        yield FunctionCommand(target.apply, [changes], {})


def _keeper(exchange: Exchange) -> str:
    if exchange.dns.provider:
        return exchange.dns.provider.python_class
    return f"the name server {exchange.dns.server}:{exchange.dns.port}"


def by_hand(exchange: Exchange, keys: Keys) -> Iterable[ByHand]:
    """What the operator has to set: all, where nobody changes our zones; else what lies in none of them."""
    zones = zones_of(exchange) if exchange.dns.changes else []
    for record in by_zone(wanted_records(exchange, keys), zones)[1]:
        for value in record.values if not record.elsewhere else ():
            yield ByHand(name=f"{record.name}.", ttl=exchange.dns.ttl, type=record.kind, value=value)


@role("dns")
def deploy(exchange: Exchange) -> None:
    """Bring our zones up to date, where the inventory says who changes them; show what is left to you."""
    keys = published_keys(exchange, the_secrets(exchange.secrets_from))
    for record in by_hand(exchange, keys):
        tell(record, of=DNS)
    if not exchange.dns.changes:
        _standing(exchange)
        return
    for zone, records in by_zone(wanted_records(exchange, keys), zones_of(exchange))[0].items():
        if records:
            _zone(exchange=exchange, zone=zone, name=f"{zone}: zone")
