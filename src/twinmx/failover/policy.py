"""What the inventory says about failover, as the machine needs it."""

from dataclasses import dataclass
from typing import Literal

CLOCK_SHARE = 0.02
REACTION_SECONDS = 5.0
ASK_SECONDS = 4.0
"""How long a question to a peer may take. Afterwards its answer counts for nothing."""

LONGEST_LEASE_SECONDS = 3600.0


@dataclass(frozen=True)
class Policy:
    """`hosts` in MX order, the one with the lowest preference first; `name` is one of them."""

    name: str
    hosts: tuple[str, ...]
    domains: tuple[str, ...]
    active: bool = True
    mode: Literal["auto", "manual"] = "auto"
    minimum_seconds: float = 360
    period_seconds: float = 5
    good_periods: int = 3
    lease_seconds: float = 60
    drain_seconds: float = 300
    bypass_seconds: float = 600

    @property
    def peers(self) -> tuple[str, ...]:
        """The other exchangers, in MX order."""
        return tuple(host for host in self.hosts if host != self.name)


def promise_seconds(lease_seconds: float) -> float:
    """How long a promise of so many seconds binds who gives it.

    Longer than it serves who holds it: two clocks may run at a slightly different speed, and what a drain
    does on a host ends a moment later than its lease (nft is a program that has to run).
    """
    return lease_seconds * (1 + CLOCK_SHARE) + REACTION_SECONDS
