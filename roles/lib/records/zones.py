"""Our record sets as octoDNS compares and applies them, and nothing else of a zone (docs/adr/0007)."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from octodns.processor.base import BaseProcessor
from octodns.provider.base import BaseProvider
from octodns.provider.plan import Plan
from octodns.record import Record
from octodns.record.rr import Rrset
from octodns.zone import Zone

from inventory.schema import Exchange
from roles.lib.records.target import Primary
from roles.lib.records.wanted import Wanted

RecordKey = tuple[str, str]

SPOILT = "the provider could spoil a text of others in the same set"
UNKNOWN = "the provider knows no such type"

Record.enable_validators({"legacy"})  # the set that is in force by default; unsaid, octoDNS warns about it


def zones_of(exchange: Exchange) -> list[str]:
    """The zones we may write in: the served domains, and those named besides."""
    return list(dict.fromkeys([*exchange.domains, *exchange.dns.zones]))


def zone_of(name: str, zones: Collection[str]) -> str | None:
    """The zone that holds `name`, the deepest of them; None for a name in none."""
    holding = [zone for zone in zones if name == zone or name.endswith(f".{zone}")]
    return max(holding, key=len, default=None)


def by_zone(wanted: Iterable[Wanted], zones: Collection[str]) -> tuple[dict[str, list[Wanted]], list[Wanted]]:
    """Zone → its record sets; and those that are the operator's to set.

    Such are names in no zone of ours, and the address of an exchanger that is named as a zone itself: it is
    the address of the zone's web site too.
    """
    found: dict[str, list[Wanted]] = {zone: [] for zone in zones}
    rest: list[Wanted] = []
    for record in wanted:
        zone = zone_of(record.name, zones)
        apex_address = record.name == zone and record.kind in ("A", "AAAA")
        (rest if zone is None or apex_address else found[zone]).append(record)
    return found, rest


def octodns_record(zone: Zone, wanted: Wanted, ttl: int) -> Record:
    """octoDNS's picture of a record set."""
    return Record.from_rrset(zone, Rrset(f"{wanted.name}.", wanted.kind, ttl, list(wanted.values)))


def desired_zone(zone: str, wanted: Iterable[Wanted], ttl: int) -> Zone:
    """octoDNS's picture of what `zone` shall hold of ours."""
    desired = Zone(f"{zone}.", [])
    for record in wanted:
        desired.add_record(octodns_record(desired, record, ttl))
    return desired


def values_of(record: Record) -> list[str]:
    """The values of a record in zone file notation."""
    return list(record.to_rrset().rdatas)


class OnlyOurs(BaseProcessor):  # type: ignore[misc]
    """Keeps octoDNS from touching what is not ours: record sets, and values that share a set with ours.

    beside: (name below the zone, type) → the values of others that were found there; they stay.
    left: sets that are not changed, and why.
    """

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        super().__init__("only-ours")
        self.wanted: Mapping[RecordKey, Wanted] = {(f"{one.name}.", one.kind): one for one in wanted}
        self.beside: dict[RecordKey, list[str]] = {}
        self.left: dict[Wanted, str] = {}

    def process_target_zone(self, existing: Zone, target: Any, lenient: bool = False) -> Zone:
        """Drop what is not owned from the picture of the zone as it is."""
        for record in list(existing.records):
            if (record.fqdn, record._type) not in self.wanted:
                existing.remove_record(record)
        return existing

    def process_source_and_target_zones(
        self, desired: Zone, existing: Zone, target: Any, lenient: bool = False
    ) -> tuple[Zone, Zone]:
        """Let a set that we share keep its other values, and its TTL, which they have in common."""
        for found in list(existing.records):
            key = (found.fqdn, found._type)
            wanted = self.wanted[key]
            ours = next(one for one in desired.records if (one.fqdn, one._type) == key)
            others = [
                (value, text)
                for value, text in zip(_raw_values(found), values_of(found), strict=True)
                if not wanted.owns(text) and text not in values_of(ours)
            ]
            if not others:
                continue
            self.beside[key] = [text for _, text in others]
            data = {
                "type": found._type,
                "ttl": found.ttl,
                "values": [*_raw_values(ours), *(value for value, _ in others)],
            }
            merged = Record.new(desired, found.name, data, lenient=True)
            desired.add_record(merged, replace=True)
            if merged.changes(found, target) and not _writes_back(target, wanted.kind, self.beside[key]):
                self.left[wanted] = SPOILT
                desired.remove_record(merged)
                existing.remove_record(found)
        return desired, existing


def _raw_values(record: Record) -> list[Any]:
    return list(record.values if hasattr(record, "values") else [record.value])


def _writes_back(target: BaseProvider, kind: str, others: Iterable[str]) -> bool:
    """Whether others' texts survive being written by `target`: not all providers do well by `\\` and `"`."""
    return isinstance(target, Primary) or kind != "TXT" or not any("\\" in text for text in others)


def plan_zone(
    zone: str, wanted: Collection[Wanted], ttl: int, target: BaseProvider
) -> tuple[Plan | None, OnlyOurs]:
    """What would have to change at `target` for `zone` (None: nothing), and what was found beside ours.

    Raises whatever the provider raises where it does not let the zone be read.
    """
    known = [record for record in wanted if record.kind in target.SUPPORTS]
    ours = OnlyOurs(known)
    ours.left = {record: UNKNOWN for record in wanted if record not in known}
    return target.plan(desired_zone(zone, known, ttl), processors=[ours]), ours
