"""The MX of the served domains, read from and changed on the server that is their source (RFC 2136, TSIG).

An update carries the set that it goes out from as a prerequisite, with TTL 0 (2.4.2): where somebody else has
changed it meanwhile, the server refuses, and we look again. Nothing but the MX record set of a domain is ever
touched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.tsig
import dns.tsigkeyring
import dns.update

from twinmx.failover.mx import Order
from twinmx.failover.settings import Dns, Host

_CONFLICT = (dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN)


class DnsError(Exception):
    """The server is away, slow, or says no."""


class ConflictError(DnsError):
    """The set is no longer the one that the update went out from."""


@dataclass(frozen=True)
class MxSet:
    """The MX of a domain. order: our hosts by preference; None where others are listed or ours missing."""

    order: Order | None
    preferences: Mapping[str, int]
    rdataset: dns.rdataset.Rdataset | None


class Zones:
    """The zones on the server; `hosts` are the exchangers in the inventory's order, `secret` TSIG's."""

    def __init__(self, settings: Dns, hosts: Sequence[Host], secret: str, patience_seconds: float) -> None:
        self._settings = settings
        self._targets = {host.name: dns.name.from_text(f"{host.fqdn}.") for host in hosts}
        self._preferences = sorted(host.preference for host in hosts)
        self._keyring = dns.tsigkeyring.from_text({settings.key_name: secret})
        self._patience = patience_seconds

    async def read(self, domain: str) -> MxSet:
        """Return the MX of `domain`; raises `DnsError`."""
        query = dns.message.make_query(f"{domain}.", dns.rdatatype.MX)
        query.flags &= ~dns.flags.RD  # of the source itself, nothing that a cache remembers
        answer = await self._exchange(query, "read")
        name = dns.name.from_text(f"{domain}.")
        rrset = answer.get_rrset(answer.answer, name, dns.rdataclass.IN, dns.rdatatype.MX)
        if rrset is None:
            return MxSet(None, {}, None)
        found = {mx.exchange: mx.preference for mx in rrset if isinstance(mx, dns.rdtypes.ANY.MX.MX)}
        ours = {host: found[target] for host, target in self._targets.items() if target in found}
        complete = len(found) == len(ours) == len(self._targets) and len(set(ours.values())) == len(ours)
        order = tuple(sorted(ours, key=ours.__getitem__)) if complete else None
        return MxSet(order, ours, rrset.to_rdataset())

    async def replace(self, domain: str, old: MxSet, order: Order) -> None:
        """Give the inventory's preferences to the hosts in `order`; raises `ConflictError` or `DnsError`."""
        if old.rdataset is None or set(order) != set(self._targets):
            raise DnsError(f"{domain}: its MX is not ours to change")
        update = dns.update.UpdateMessage(
            f"{domain}.", keyring=self._keyring, keyalgorithm=dns.name.from_text(self._settings.key_algorithm)
        )
        update.present("@", *old.rdataset)
        new = [
            f"{preference} {self._targets[host]}"
            for preference, host in zip(self._preferences, order, strict=True)
        ]
        update.replace("@", dns.rdataset.from_text("IN", "MX", self._settings.ttl, *new))
        await self._exchange(update, "update")

    async def _exchange(self, message: dns.message.Message, what: str) -> dns.message.Message:
        server, port = str(self._settings.server), self._settings.port
        try:
            answer = await dns.asyncquery.tcp(message, server, timeout=self._patience, port=port)
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise DnsError(f"{server}: {what}: {type(error).__name__} {error}".rstrip()) from error
        code = answer.rcode()
        if what == "update" and code in _CONFLICT:
            raise ConflictError(f"{server}: the set was changed meanwhile")
        if code != dns.rcode.NOERROR:
            raise DnsError(f"{server}: {what}: {dns.rcode.to_text(code)}")
        return answer
