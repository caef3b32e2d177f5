"""What the agent must remember over a crash and a reboot, and what a reboot makes of it.

All times are seconds of CLOCK_BOOTTIME (clock_gettime(2)): they go on while the host sleeps, nobody sets
them, and they mean something only within the boot in which they were taken.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from twinmx.program.settings import Table

Moment = Annotated[float, Field(allow_inf_nan=False)]


class Phase(StrEnum):
    """Where a host is. Port 25 is closed in DRAINING and DRAINED, while a promise is held."""

    ACTIVE = "active"
    DRAINING = "draining"
    DRAINED = "drained"
    RETURNING = "returning"


CLOSED = (Phase.DRAINING, Phase.DRAINED)


class Held(Table):
    """A promise of `peer` not to drain before `until`."""

    peer: str
    until: Moment


class Given(Table):
    """A promise of ours not to drain before `until`; it was made for so many seconds."""

    until: Moment
    seconds: Moment


class Order(Table):
    """What an operator ordered, a drain or a hold, and its end; None is when somebody says so."""

    by: str
    reason: str = ""
    until: Moment | None = None


class State(Table):
    """The remembered part of an agent.

    given: to whom we have promised not to drain, and until when. demoted: hosts, perhaps ourselves, that we
    want behind the others in DNS. restoring: (domain, host) that we demoted and have not yet seen restored.
    bypassed: spam engines that we have taken out, and until when.
    """

    phase: Phase = Phase.ACTIVE
    cause: str = ""
    since: Moment = 0.0
    last_act: Moment | None = None
    given: dict[str, Given] = Field(default_factory=dict)
    held: Held | None = None
    demoted: frozenset[str] = frozenset()
    restoring: frozenset[tuple[str, str]] = frozenset()
    order: Order | None = None
    hold: Order | None = None
    bypassed: dict[str, Moment] = Field(default_factory=dict)

    def closed_until(self, now: float) -> float | None:
        """Until when port 25 is closed; None where the host is open: also where its promise has run out."""
        return self.held.until if self.phase in CLOSED and self.held and now < self.held.until else None


def after_reboot(state: State, now: float, peers: Iterable[str], seconds: float) -> State:
    """What is left of `state` in another boot, whose clock says `now`.

    A promise held is void, so a drain and its order are over. One given counts in full from now, and so does
    one for `seconds` to each of `peers`: the last may have been kept in /run alone (`store`). So may an act;
    it was before this boot began, and counts from its second 0. A hold without an end stays; of one with an
    end nobody knows how much is left, and it is over.
    """
    closed = state.phase in CLOSED
    bound = dict.fromkeys(peers, seconds)
    bound |= {peer: max(given.seconds, bound.get(peer, 0.0)) for peer, given in state.given.items()}
    return state.model_copy(
        update={
            "phase": Phase.RETURNING if closed else state.phase,
            "cause": "reboot" if closed else state.cause,
            "since": now,
            "last_act": 0.0,
            "given": {peer: Given(until=now + length, seconds=length) for peer, length in bound.items()},
            "held": None,
            "order": None,
            "hold": state.hold if state.hold and state.hold.until is None else None,
            "bypassed": {},
        }
    )


def unknown_past(peers: Iterable[str], now: float, seconds: float, *, acted: bool) -> State:
    """The state of an agent that remembers nothing: it may have promised to any peer, for `seconds`.

    acted: whether it may have acted as well, just now.
    """
    given = dict.fromkeys(peers, Given(until=now + seconds, seconds=seconds))
    return State(since=now, given=given, last_act=now if acted else None)
