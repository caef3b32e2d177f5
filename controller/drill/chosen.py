"""The drill that is wanted, on this inventory and for this long; refused here before a host is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.errors import ControllerError
from drills import all_drills
from drills.lib.model import Drill, Fault, Where
from inventory.flags import with_flags
from inventory.preference import by_preference
from inventory.schema import Exchange
from twinmx.mxctl import duration

SPARE_SECONDS = 300
"""What a host waits longer than this command means to: for the converges, and the proof."""

FEWEST = 2
"""Exchangers: somebody else has to carry the mail."""


@dataclass(frozen=True)
class Chosen:
    """seconds: how long the fault is watched. limit_seconds: when a host ends it by itself.

    faults: by exchanger. first: who gets the lowest MX preference, where the drill is about that.
    """

    drill: Drill
    seconds: int
    limit_seconds: int
    faults: Mapping[str, Sequence[Fault]]
    first: str | None = None

    @property
    def flag(self) -> str:
        """The value of the flag `drill`."""
        return f"{self.drill.name}/{self.limit_seconds}s"


def choose(exchange: Exchange, name: str, seconds: float) -> Chosen:
    """The drill `name`; ControllerError that says why it may not be run here, or not for so long."""
    drill = _harmless(name)
    longest = exchange.drills.longest_seconds
    if not 1 <= seconds <= longest:
        raise ControllerError(
            f"--for {duration.show(seconds)}: allowed: 1s to {longest}s (drills.longest_seconds)"
        )
    order = by_preference(exchange.exchangers)
    first = None
    if drill.primary:
        first = order[0] if drill.primary is Where.FIRST else order[-1]
    if first and not exchange.dns.server:
        raise ControllerError(f"{name} changes MX, and that is seen and ended at once only with dns.server")
    if len(order) < FEWEST:
        raise ControllerError(f"{name}: there is no other exchanger to carry the mail; allowed: two or more")
    faults = {host: tuple(drill.faults_on(position, len(order))) for position, host in enumerate(order)}
    limit = min(int(seconds) + SPARE_SECONDS, longest)
    chosen = Chosen(drill, int(seconds), limit, {host: some for host, some in faults.items() if some}, first)
    try:
        with_flags(exchange, {"drill": chosen.flag})
    except ValueError as error:
        raise ControllerError(str(error)) from None
    return chosen


def _harmless(name: str) -> Drill:
    known = all_drills()
    harmless = ", ".join(one for one, drill in known.items() if drill.harmless) or "none"
    if name not in known:
        raise ControllerError(f"there is no drill {name!r}; allowed: {harmless}")
    if not known[name].harmless:
        raise ControllerError(
            f"{name} is not harmless: mail suffers; in the lab: make drill NAME={name}; allowed: {harmless}"
        )
    return known[name]
