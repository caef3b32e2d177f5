"""The canary: messages of our own which each exchanger sends through each, and where they end."""

from collections.abc import Iterable, Iterator
from typing import Self

from pydantic import model_validator

from inventory.knob import Mistake, Settings, knob, refuse
from twinmx.addresses import MAX_LOCAL_PART
from twinmx.aliases.model import Alias

MOST_UNDER_WAY = 30
"""Messages that may be under way through one exchanger at once: a standing queue must not fill with ours."""

PREFIX = "canary-"
SUFFIX = "canary.invalid"
"""Never in DNS (RFC 6761, 6.4): where the route to a listener is missing, nobody else gets its mail."""


class Canary(Settings):
    """How often an exchanger tries itself and the others, and when a message counts as lost."""

    interval_seconds: int = knob(
        30, ge=1, le=300, says="Time between two messages through one exchanger.", unit="seconds"
    )
    handover_seconds: int = knob(
        25,
        ge=2,
        le=120,
        says="How long an exchanger may take to accept one, spam check included; past it the message counts "
        "as refused.",
        unit="seconds",
    )
    lost_after_seconds: int = knob(
        120,
        ge=3,
        le=600,
        says="How long one may take in all; past it the message counts as lost, whether or not it arrives.",
        unit="seconds",
    )
    gtube_seconds: int = knob(
        3600,
        ge=10,
        le=86_400,
        says="Time between two messages that every spam engine takes for spam (GTUBE); each must be refused.",
        unit="seconds",
    )

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        refuse(list(self._misfits()))
        return self

    def _misfits(self) -> Iterator[Mistake]:
        if self.handover_seconds >= self.lost_after_seconds:
            reason = (
                f"a message may not be lost while it is handed over; allowed: a number below "
                f"canary.lost_after_seconds ({self.lost_after_seconds} seconds)"
            )
            yield Mistake(("handover_seconds",), self.handover_seconds, reason)
        if self.lost_after_seconds > MOST_UNDER_WAY * self.interval_seconds:
            least = -(-self.lost_after_seconds // MOST_UNDER_WAY)
            reason = (
                f"more than {MOST_UNDER_WAY} messages could be under way; allowed: {least} seconds or more, "
                f"or a smaller canary.lost_after_seconds ({self.lost_after_seconds} seconds)"
            )
            yield Mistake(("interval_seconds",), self.interval_seconds, reason)


def too_long_names(exchangers: Iterable[str]) -> list[Mistake]:
    """The exchangers after which no alias can be named (RFC 5321, 4.5.3.1.1)."""
    longest = MAX_LOCAL_PART - len(PREFIX)
    reason = f"the canary's alias would be too long; allowed: {longest} characters at most"
    return [Mistake((name,), name, reason) for name in exchangers if len(name) > longest]


def canary_domain(name: str) -> str:
    """The domain of the mailbox in which the messages of exchanger `name` end."""
    return f"{name}.{SUFFIX}"


def canary_alias(name: str, domain: str) -> Alias:
    """The alias in the served `domain` that leads to the listener of exchanger `name`."""
    return Alias(f"{PREFIX}{name}@{domain}", (f"canary@{canary_domain(name)}",))
