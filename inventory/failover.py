"""What a host may do by itself when it, or its peer, is unwell (docs/adr/0015).

What is bad begins at the figures of `monitors`, the same as for alerts; here stands how fast the agent is
sure of it, and what only an act needs to know.
"""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from inventory.knob import Mistake, Settings, knob, refuse

LEAST_PERIODS = 4
"""In a lease: one lost question, or one slow period, must not end a drain."""


def _periods(default: int, says: str) -> int:
    number: int = knob(default, ge=1, le=1000, says=f"Bad periods in a row until {says}.", unit="periods")
    return number


class Forwarders(Settings):
    """No forwarder of this host says that it is well."""

    periods: int = _periods(3, "it drains")


class Gates(Settings):
    """No gate says that it is well. Mail goes on without it, so this is less urgent."""

    periods: int = _periods(12, "it drains")


class Postfix(Settings):
    """Port 25 does not greet, asked from the host itself."""

    periods: int = _periods(3, "it drains")


class CanaryRule(Settings):
    """All canaries through this host are lost or slow, and through another one they arrive."""

    periods: int = _periods(3, "it drains")


class Pending(Settings):
    """Too many messages wait for this host's own programs."""

    periods: int = _periods(6, "it drains")


class Deferrals(Settings):
    """Mailbox providers put off what this host sends, and not what its peer sends."""

    periods: int = _periods(6, "it drains")
    window_seconds: int = knob(
        120, ge=10, le=3600, says="The share is of the deliveries in this time.", unit="seconds"
    )
    peer_deliveries: int = knob(
        10,
        ge=1,
        says="Deliveries of the peer within the window below which it is no comparison, and nothing is done.",
        unit="messages",
    )


class Disk(Settings):
    """A queue's disk has less than two of the largest messages left, or hardly an inode."""

    periods: int = _periods(3, "it drains")
    free_inodes: int = knob(1_000, ge=1, says="Free inodes below which a period is bad.", unit="inodes")


class EngineRule(Settings):
    """A spam engine is late or fails, and another one answers."""

    periods: int = _periods(3, "the engine is left out")
    window_seconds: int = knob(
        60, ge=5, le=3600, says="The share is of the scans in this time.", unit="seconds"
    )
    bypass_seconds: int = knob(
        600,
        ge=60,
        le=86_400,
        says="How long it is left out; longer while it is bad, and never the last good one.",
        unit="seconds",
    )


class PeerRule(Settings):
    """An exchanger answers neither on the peer link nor on port 25."""

    periods: int = _periods(6, "its MX preference is put behind the others'")


class Rules(Settings):
    """When evidence counts: after how many periods of `failover.period_seconds`."""

    forwarders: Forwarders = Field(default_factory=Forwarders)
    gates: Gates = Field(default_factory=Gates)
    postfix: Postfix = Field(default_factory=Postfix)
    canary: CanaryRule = Field(default_factory=CanaryRule)
    pending: Pending = Field(default_factory=Pending)
    deferrals: Deferrals = Field(default_factory=Deferrals)
    disk: Disk = Field(default_factory=Disk)
    engine: EngineRule = Field(default_factory=EngineRule)
    peer: PeerRule = Field(default_factory=PeerRule)


class Failover(Settings):
    """What a host may do by itself when it, or its peer, is unwell."""

    mode: Literal["auto", "manual"] = knob("auto", says="auto acts; manual only recommends.")
    under_way: Literal["leave", "end"] = knob(
        "leave",
        says="What a converge does with a failover that is under way: leave it to the agents, or end it. "
        "Meant for one converge, with the flag `failover`.",
    )
    minimum_seconds: int = knob(
        360, ge=60, le=86_400, says="Least time between two automatic acts of one host.", unit="seconds"
    )
    period_seconds: int = knob(
        5, ge=1, le=60, says="How often the agent looks, decides, and renews what it did.", unit="seconds"
    )
    good_periods: int = knob(
        3, ge=1, le=1000, says="Good periods in a row until what was bad is good again.", unit="periods"
    )
    lease_seconds: int = knob(
        60,
        ge=4,
        le=3600,
        says="How long a drain lasts that nobody renews, and so the longest time without service after the "
        "peer of a drained host has died; at least four periods.",
        unit="seconds",
    )
    drain_seconds: int = knob(
        300,
        ge=1,
        le=86_400,
        says="How long a host that drains may take to empty its queue until it is called drained.",
        unit="seconds",
    )
    standby_share: int = knob(
        5,
        ge=0,
        le=50,
        says="Share of the mail that an exchanger hands to the next one first even on good days, so that "
        "each one's address is known to mailbox providers on the bad one.",
        unit="percent",
    )
    rules: Rules = Field(default_factory=Rules)

    @model_validator(mode="after")
    def _lease_is_renewed(self) -> Self:
        refuse(list(self._misfits()))
        return self

    def _misfits(self) -> Iterator[Mistake]:
        """A lease too short for its periods, laid at the one of the two that is given."""
        least = LEAST_PERIODS * self.period_seconds
        if self.lease_seconds >= least:
            return
        rule = f"a lease has at least {LEAST_PERIODS} periods, or one lost message ends it; allowed: a number"
        if "lease_seconds" in self.model_fields_set:
            yield Mistake(("lease_seconds",), self.lease_seconds, f"{rule} from {least} on")
        else:
            most = self.lease_seconds // LEAST_PERIODS
            yield Mistake(("period_seconds",), self.period_seconds, f"{rule} up to {most}")
