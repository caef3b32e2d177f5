"""Which drills may be run here, how long one lasts at most, and the one that is under way.

A drill replays an incident (drills/). It is a flag and no knob, so that the next plain converge ends it
(docs/adr/0026).
"""

from typing import Literal

from pydantic import PositiveInt

from inventory.knob import Settings, ShortName, knob


class UnderWay(Settings):
    """The drill of this converge. The flag `drill` sets it; in a file it is refused."""

    name: str = knob(says="The drill's name.")
    then: bool = knob(False, says="Whether the exchange is built as it was at the time of the incident.")
    calm: bool = knob(False, says="Whether the faults stay away, for what is compared with them.")
    limit_seconds: PositiveInt | None = knob(
        None, says="How long it lasts at most; left out, `drills.longest_seconds`.", unit="seconds"
    )
    order: tuple[ShortName, ...] = knob(
        says="The exchangers by their MX preference without the drill, which may change it."
    )


class Drills(Settings):
    """Replays of incidents, with the flag `drill`."""

    allowed: Literal["none", "harmless", "any"] = knob(
        "harmless",
        says="Which may be run here: none, those that no mail suffers from, or any. any is for a lab: it "
        "breaks what the incident broke.",
    )
    longest_seconds: int = knob(
        3600,
        ge=1,
        le=86_400,
        says="How long a fault stays on a host at most: then the host mends it by itself.",
        unit="seconds",
    )
    under_way: UnderWay | None = None

    @property
    def limit_seconds(self) -> int:
        """When the host ends the drill that is under way."""
        limit = self.under_way.limit_seconds if self.under_way else None
        return limit or self.longest_seconds
