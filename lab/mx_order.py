"""The order in which senders try the exchangers: by the MX records, as a resolver gives them just now.

A failover by DNS shows only to senders that ask again, and only once their resolver has forgotten the old
records. Senders keep what they last knew where nobody answers.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address

import dns.asyncresolver
import dns.exception

from lab.settings import DNS_PORT, OUTSIDE, LabHost

Preferences = list[tuple[int, str]]
"""Preference and name of each MX record."""

ASK_SECONDS = 1.0
"""How long senders share an answer before they ask the resolver again; that one keeps it for its TTL."""

PATIENCE_SECONDS = 2.0


async def ask(domain: str, port: int = DNS_PORT, server: IPv4Address = OUTSIDE.address) -> Preferences:
    """The MX records that a name server gives; raises dns.exception.DNSException."""
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [str(server)]
    resolver.port = port
    answer = await resolver.resolve(domain, "MX", lifetime=PATIENCE_SECONDS)
    return [(record.preference, str(record.exchange).rstrip(".").lower()) for record in answer]


class MxOrder:
    """Calling it gives `hosts`, those first that the MX records of `domain` prefer."""

    def __init__(
        self, hosts: Sequence[LabHost], domain: str, ask: Callable[[str], Awaitable[Preferences]] = ask
    ) -> None:
        self._order = list(hosts)
        self._domain = domain
        self._ask = ask
        self._not_before = float("-inf")

    async def __call__(self) -> Sequence[LabHost]:
        """The hosts, the one to try first in front; never raises for what the resolver does."""
        now = time.monotonic()
        if now >= self._not_before:
            self._not_before = now + ASK_SECONDS
            try:
                found = await self._ask(self._domain)
            except dns.exception.DNSException:
                return self._order
            by_name = {host.fqdn: host for host in self._order}
            listed = [by_name[name] for _, name in sorted(found) if name in by_name]
            self._order = listed + [host for host in self._order if host not in listed]
        return self._order
