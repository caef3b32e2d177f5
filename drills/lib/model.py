"""How a drill is described: what it replays, the faults, the traffic, the timeline, and what must hold.

Nothing but data, and no import of the lab: the inventory reads it to know a drill by its flag, and the role
`drill` to put the faults on the hosts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class Where(StrEnum):
    """A place: exchangers by MX order, the lab's outside world or database, the controller."""

    FIRST = "first"
    LAST = "last"
    ALL = "all"
    OUTSIDE = "outside"
    DATABASE = "database"
    CONTROLLER = "controller"

    @property
    def on_exchangers(self) -> bool:
        """Whether a converge puts it there; the drill itself does, elsewhere."""
        return self in (Where.FIRST, Where.LAST, Where.ALL)


@dataclass(frozen=True)
class Fault:
    """Something that is broken, by shell commands (sh, as root, `set -e`).

    begin: breaks it. end: mends it, whatever `begin` came to; harmless where there is nothing to mend.
    proof: exit status 0 while the fault is in effect; asked after the begin and again before the end.
    lasts: whether it stays: the proof must hold at the end as well.
    """

    where: Where
    begin: str
    end: str
    proof: str
    lasts: bool = True


@dataclass(frozen=True)
class Stream:
    """Letters of one kind.

    to: `users`, 50 aliases that receive an ordinary trickle; `flooded`, 20 aliases of one account with one
    mailbox. rate: letters begun in a second. throughout: from before the fault to after the recovery, else
    only from the fault's begin to its end. bystander: their delay is what the drill is about, and none of
    them may be refused. burst: how many begin at the same moment. domain: only the aliases all of whose
    mailboxes are in it. connections: sessions open at once. at_least: letters begun below which the fault was
    none.
    """

    name: str
    rate: float
    to: Literal["users", "flooded"] = "users"
    throughout: bool = True
    bystander: bool = True
    burst: int = 1
    connections: int = 24
    at_least: int = 0
    small_bytes: int = 4_096
    large_bytes: int = 51_200
    patience_seconds: float = 600.0
    domain: str | None = None


USERS = Stream("users", rate=5.0)
"""What flows in most drills: 50 users, each with a letter every ten seconds."""

FEWER = Stream("users", rate=2.5)
"""Where SpamAssassin has to scan all of it: on two cores, with all else that runs there, it bears no more."""


@dataclass(frozen=True)
class Step:
    """A command of an operator while the fault lasts, on the controller, in the checkout (sh).

    at: when, as a share of the fault's time. status: how it must end. says: a text that must be in what it
    prints. name: what the report calls it, in a word or three. A step whose command takes longer than the
    fault prolongs it.
    """

    at: float
    run: str
    status: int = 0
    says: str = ""
    name: str = field(kw_only=True)


@dataclass(frozen=True)
class Timeline:
    """Seconds of ordinary mail before the fault, of the fault, and of mail after the recovery."""

    before: float = 40.0
    fault: float = 150.0
    after: float = 30.0

    @property
    def seconds(self) -> float:
        """All of it, without what the two converges take."""
        return self.before + self.fault + self.after


SHORT = Timeline(20.0, 75.0, 20.0)
"""The form that CI runs."""


@dataclass(frozen=True)
class Holds:
    """What must be so; delays are seconds from the moment a letter was due to the mailbox, of bystanders.

    p99: its most. of_baseline: most of p99, as a multiple of the p99 before the fault (or of FLOOR_SECONDS,
    where that was less). longest: of any bystander. alerts: one of these is told within `alert_seconds`.
    act: done by an agent within `act_seconds`, as "drain mx1". tolerated: acts that are no fault besides.
    takes_over: within so many seconds of the fault, more of the mail of a five-second window enters by the
    last exchanger than by the first, and so it stays. refused: streams of which letters must be refused for
    good, at least one. slots: messages that what is killed may have in hand, so may arrive twice.
    both_refuse: whether letters may be refused by both exchangers in one round. after: exit status 0 on the
    controller at the end, in the checkout (sh).
    """

    p99: float | None = None
    of_baseline: float | None = None
    longest: float | None = None
    alerts: tuple[str, ...] = ()
    alert_seconds: float = 60.0
    act: str | None = None
    act_seconds: float = 90.0
    tolerated: tuple[str, ...] = ()
    takes_over: float | None = None
    refused: tuple[str, ...] = ()
    slots: int = 0
    both_refuse: bool = False
    quarantined: bool = False
    after: str = ""


FLOOR_SECONDS = 0.5
"""A p99 below it is no measure: on an idle pair it is a tenth of a second, and a cough doubles it."""


@dataclass(frozen=True)
class Then:
    """How the service was built at the time of the incident, as far as it is public, in inventory terms.

    inventory: what differs from the drill's own. says: what that stands for. worse: how many times the p99
    of bystanders, or the longest delay, must be that of now, for the replay to be one.
    steps: what was tried then. slots: messages that these may kill in hand, besides those of the fault.
    """

    inventory: Mapping[str, Any]
    says: str
    worse: float = 10.0
    steps: tuple[Step, ...] = ()
    slots: int = 0
    fault_seconds: float | None = None


@dataclass(frozen=True)
class Drill:
    """One drill. `name` is its flag and its file.

    says: what happens, in a sentence. replays: of what it is the like, with the public source. inventory:
    what differs from the plain inventory in both variants, merged deeply. harmless: allowed where real mail
    flows; then `faults` lie on exchangers alone. core: whether CI runs it in its short form. last: what
    must come after all others, as a reboot. primary: the exchanger that the converge gives the lowest MX
    preference, in place of the one that has it. needs_database: whether the lab's database is to be there,
    with the aliases in it.
    """

    name: str
    says: str
    replays: str
    faults: tuple[Fault, ...] = ()
    streams: tuple[Stream, ...] = (USERS,)
    steps: tuple[Step, ...] = ()
    timeline: Timeline = field(default_factory=Timeline)
    holds: Holds = field(default_factory=Holds)
    inventory: Mapping[str, Any] = field(default_factory=dict)
    then: Then | None = None
    harmless: bool = False
    core: bool = False
    last: bool = False
    primary: Where | None = None
    needs_database: bool = False

    def faults_on(self, position: int, count: int) -> list[Fault]:
        """Those that a converge puts on the exchanger at `position` (from 0) of `count`, in MX order."""
        places = {Where.ALL}
        places |= {Where.FIRST} if position == 0 else set()
        places |= {Where.LAST} if position == count - 1 else set()
        return [fault for fault in self.faults if fault.where in places]
