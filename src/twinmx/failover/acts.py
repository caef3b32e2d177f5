"""What the machine hands out: acts that were decided, questions to a peer, and refusals."""

from dataclasses import dataclass
from typing import Literal

from twinmx.failover.state import Order


@dataclass(frozen=True)
class Act:
    """Something that was decided; `automatic` where nobody ordered it."""

    name: str
    whom: str
    cause: str
    automatic: bool = True


@dataclass(frozen=True)
class Ask:
    """A question to `peer`: do you promise not to drain for a lease? `why` it is asked, and when."""

    peer: str
    why: Literal["drain", "renew", "order"]
    at: float
    cause: str = ""
    order: Order | None = None


class RefusedError(Exception):
    """An operator's order that would do harm, or cannot be done; the message says why."""
