"""One simulated host of a pair: what is on its disk, in its kernel and in its agent; and what it has sent."""

from dataclasses import dataclass, field
from typing import Literal

from twinmx.failover import mx
from twinmx.failover.acts import Act, Ask
from twinmx.failover.judge import Judge
from twinmx.failover.machine import Machine
from twinmx.failover.policy import Policy
from twinmx.failover.state import State

HOSTS = ("mx1", "mx2")
DOMAIN = "alias.example"
PERIOD, LEASE, MINIMUM, DRAIN, NFT_SECONDS = 5.0, 20.0, 60.0, 30.0, 3.0
GOOD, SICK_PERIODS, SILENT_PERIODS = 3, 2, 3
FASTEST, SLOWEST = 1.01, 0.99
PACED = ("drain", "return", "demote", "restore")
CRASHES = ("nowhere", "before saving", "after saving", "after closing")
Crash = Literal["nowhere", "before saving", "after saving", "after closing"]


@dataclass
class Question:
    """A question to a peer, put `at`, on its way; or the answer (`granted` is known then) on its way back."""

    asker: "Host"
    machine: Machine
    ask: Ask
    at: float
    granted: bool | None = None


@dataclass
class Update:
    """A DNS update on its way: from the set `old`, which is its prerequisite, to `new`."""

    host: "Host"
    old: mx.Order
    new: mx.Order


@dataclass
class Host:
    """A host: `disk` and what `history` tells survive everything, `run` a crash, `machine` nothing.

    run: what could not be put on the disk because that was full. remembered: what a new agent would find.
    leased_at: when it asked the question whose answer it goes by. ticks: for how many in a row it has been as
    sick or well as it is; proven: whether that, or what was before, is evidence for a drain.
    """

    name: str
    mode: Literal["auto", "manual"]
    rate: float
    booted_at: float
    disk: State
    machine: Machine | None = None
    disk_full: bool = False
    run: State | None = None
    judge: Judge = field(default_factory=lambda: Judge({}, GOOD))
    listener: Judge = field(default_factory=lambda: Judge({}, GOOD))
    powered: bool = True
    closed_until: float = float("-inf")
    sick: bool = False
    mail_waits: bool = False
    dns: mx.Order | None = None
    ticked_at: float = float("-inf")
    leased_at: float = float("-inf")
    ticks: int = 0
    was_sick: bool = False
    proven: bool = False
    history: list[tuple[float, Act, bool]] = field(default_factory=list)

    @property
    def remembered(self) -> State:
        return self.run or self.disk

    @property
    def policy(self) -> Policy:
        return Policy(
            self.name,
            HOSTS,
            (DOMAIN,),
            mode=self.mode,
            minimum_seconds=MINIMUM,
            period_seconds=PERIOD,
            good_periods=GOOD,
            lease_seconds=LEASE,
            drain_seconds=DRAIN,
        )
