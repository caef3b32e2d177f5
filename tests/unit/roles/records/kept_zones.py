"""A provider of octoDNS that no inventory of ours knows: it keeps zones in memory, and wants a token."""

from logging import getLogger
from typing import Any

from octodns.provider.base import BaseProvider
from octodns.provider.plan import Plan
from octodns.record import Record
from octodns.record.rr import Rrset
from octodns.zone import Zone

TOKEN = "token-of-a-provider"


class KeptZones(BaseProvider):  # type: ignore[misc]
    """As those of hosted DNS are: made from options, read record by record, changed by a plan."""

    SUPPORTS = frozenset({"A", "AAAA", "CAA", "CNAME", "MX", "TLSA", "TXT"})
    SUPPORTS_GEO = False
    SUPPORTS_ROOT_NS = False

    def __init__(self, name: str, account: str, token: str, **rest: Any) -> None:
        if token != TOKEN:
            raise ValueError(f"no such token: {token}")
        self.log = getLogger(name)
        self.account = account
        self.sets: dict[tuple[str, str], Rrset] = {}
        super().__init__(name, **rest)

    def populate(self, zone: Zone, target: bool = False, lenient: bool = False) -> bool:
        for found in self.sets.values():
            zone.add_record(Record.from_rrset(zone, found, lenient=lenient))
        return True

    def _apply(self, plan: Plan) -> None:
        for change in plan.changes:
            found = change.new.to_rrset()
            self.sets[found.name, found._type] = found
