"""What the status page shows. The failover agent fills it in, from its own figures and what its peers say.

Nothing in it is trusted: the text and the numbers of a peer may be anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

Points = Sequence[tuple[float, float | None]]
"""(age in seconds, value), the oldest first, as `history.History` has them. None: no value, a gap."""

LOST = float("inf")
"""The delay of a canary's message that did not arrive."""


@dataclass(frozen=True)
class Engine:
    """A spam engine as a host sees it.

    well: None where that cannot be said. seconds: 95 % of its answers took no longer. failed: share (0 to 1)
    of its scans that were late or failed. out_seconds: for how much longer it is left out; None: it is asked.
    """

    name: str
    well: bool | None = None
    seconds: float | None = None
    failed: float | None = None
    out_seconds: float | None = None


@dataclass(frozen=True)
class Limits:
    """The limits of a host.

    alone: its workers count each for itself, without Valkey; None where that is not known. refused:
    recipients, within `View.window_seconds`. accounts: those which were refused most, and how often.
    """

    alone: bool | None = None
    refused: float | None = None
    accounts: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True)
class Host:
    """One exchanger.

    heard_seconds: age of what is known of it, 0 for the host that serves the page, None where its agent was
    never heard. phase, cause: where its agent is and why, since `since_seconds`. well, bad, suspect: by its
    own rules; suspect ones are bad right now and do not count yet. hold: who holds its agent, and why.
    faults: what its agent cannot do (dns, port …), and why.
    forwarders, gates: workers that answer, and all of them. inbound, outbound: messages in the queues of its
    two Postfix instances, without `hold`. canary: seconds of messages through it, or LOST.
    """

    name: str
    heard_seconds: float | None = 0.0
    phase: str = "active"
    cause: str = ""
    since_seconds: float | None = None
    well: bool | None = None
    bad: Sequence[str] = ()
    suspect: Sequence[str] = ()
    hold: str = ""
    recommends: Sequence[str] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    forwarders: tuple[int, int] | None = None
    gates: tuple[int, int] | None = None
    inbound: Points = ()
    outbound: Points = ()
    canary: Points = ()
    engines: Sequence[Engine] = ()
    limits: Limits | None = None


@dataclass(frozen=True)
class Act:
    """What an agent did, or an operator had it do: `name` (drain, demote, bypass …) to `whom`."""

    at: datetime
    host: str
    name: str
    whom: str
    cause: str
    automatic: bool = True


@dataclass(frozen=True)
class View:
    """One page. `me` serves it, at the moment `at`.

    hosts: in the inventory's MX order, `me` among them. mx: the records now, (preference, host) by domain,
    None where DNS does not answer. acts: of all agents, the newest first. manual: agents only recommend.
    silent_seconds: who was last heard so long ago is silent. pending_messages: more in an inbound
    queue for over a minute are bad; delay_seconds: so is a longer delay of the canary.
    """

    me: str
    at: datetime
    hosts: Sequence[Host]
    mx: Mapping[str, Sequence[tuple[int, str]] | None] = field(default_factory=dict)
    acts: Sequence[Act] = ()
    manual: bool = False
    silent_seconds: float = 15
    window_seconds: float = 300
    pending_messages: float | None = None
    delay_seconds: float | None = None
