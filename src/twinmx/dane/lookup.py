"""Whether a receiver has DANE for SMTP (RFC 7672), as an answer for Postfix's smtp_tls_policy_maps.

Why Postfix is told although it speaks DANE itself: an MTA-STS policy that it is given would replace DANE, and
MTA-STS must not override a DANE validation that fails (RFC 8461, 2).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from dns import flags
from dns.asyncresolver import Resolver
from dns.exception import DNSException
from dns.rdatatype import RdataType
from dns.resolver import NXDOMAIN

DANE = "dane"
"""The level (postconf(5)): mandatory for each host that has TLSA records, opportunistic for others."""

_EDNS_BYTES = 1232


class AskError(Exception):
    """The resolver did not answer, or found the answer forged."""


@dataclass(frozen=True)
class Found:
    """The values of a record set, and whether the resolver has validated it (or that there is none)."""

    values: tuple[str, ...]
    secure: bool


Ask = Callable[[str, str], Awaitable[Found]]
"""Asks for a name and a type; raises `AskError`."""


class Asker:
    """Asks the validating resolver at `address`, and waits `seconds` in all for each answer."""

    def __init__(self, address: str, port: int, seconds: float) -> None:
        self._resolver = Resolver(configure=False)
        self._resolver.nameservers = [address]
        self._resolver.port = port
        self._resolver.lifetime = seconds
        self._resolver.flags = flags.RD | flags.AD  # AD: say whether you have validated it (RFC 6840, 5.7)
        self._resolver.use_edns(0, 0, _EDNS_BYTES)

    async def ask(self, name: str, kind: str) -> Found:
        """The record set; raises `AskError`."""
        try:
            answer = await self._resolver.resolve(f"{name}.", kind, raise_on_no_answer=False)
        except NXDOMAIN:
            return Found((), secure=False)
        except DNSException as error:
            raise AskError(f"{name} {kind}: {error}") from error
        values = () if answer.rrset is None else tuple(value.to_text() for value in answer.rrset)
        return Found(values, secure=bool(answer.response.flags & flags.AD))


async def policy(nexthop: str, ask: Ask) -> str | None:
    """`dane` where the next hop's MX are signed and one of them has TLSA records; None leaves it to others.

    nexthop: as Postfix asks, `example.org`, `.org` for its parents, `[host]` or `[host]:port`; only a domain
    has a policy. Raises `AskError` where the MX cannot be had: Postfix then tries again later.
    """
    if nexthop.startswith((".", "[")) or ":" in nexthop:
        return None
    found = await ask(nexthop, RdataType.MX.name)
    if not found.secure:
        return None
    for host in _hosts(nexthop, found):
        try:
            keys = await ask(f"_25._tcp.{host}", RdataType.TLSA.name)
        except AskError:
            return DANE  # Postfix asks the same, and leaves out the host whose answer it cannot trust
        if keys.secure and keys.values:
            return DANE
    return None


def _hosts(domain: str, found: Found) -> list[str]:
    """The mail hosts in the order of preference; without MX the domain itself (RFC 5321, 5.1)."""
    if not found.values:
        return [domain]
    ranked = sorted((int(value.split()[0]), value.split()[1].rstrip(".")) for value in found.values)
    return [host for _, host in ranked if host]  # a null MX (RFC 7505) has none
