"""How long the resolver of this host takes: Postfix and the spam engines wait for it with every message.

What /etc/resolv.conf names is asked, as Postfix does. A domain of our own is in the resolver's cache most of
the time, so a resolver that is cut off shows when the record's TTL is over, a resolver that hangs at once.
"""

import math
import time
from collections.abc import Callable
from contextlib import suppress

from dns.asyncresolver import Resolver
from dns.exception import DNSException
from dns.resolver import NXDOMAIN
from prometheus_client import CollectorRegistry, Gauge


class ResolverError(Exception):
    """The resolver did not answer."""


class ResolverProbe:
    """Asks what `resolver` makes for the MX of a domain, within so many seconds."""

    def __init__(
        self,
        domain: str,
        seconds: float,
        registry: CollectorRegistry,
        resolver: Callable[[], Resolver] = Resolver,
    ) -> None:
        self._domain = domain
        self._seconds = seconds
        self._resolver = resolver
        self._took = Gauge(
            "twinmx_resolver_seconds",
            "Seconds until the host's resolver answered; +Inf where it did not",
            registry=registry,
        )

    async def ask(self) -> None:
        """Ask once; raises `ResolverError`. That there is no such record is an answer."""
        begun, took = time.monotonic(), math.inf
        try:
            resolver = self._resolver()  # reads /etc/resolv.conf, which may have changed
            resolver.lifetime = self._seconds
            with suppress(NXDOMAIN):
                await resolver.resolve(f"{self._domain}.", "MX", raise_on_no_answer=False)
            took = time.monotonic() - begun
        except (DNSException, OSError) as error:
            raise ResolverError(str(error)) from error
        finally:
            self._took.set(took)
