"""The arithmetic of an incident: when it was seen, acted upon and over, and whether that was soon enough.

Everything is counted in seconds from the moment the fault began. All times are seconds since 1970: the hosts
of the lab share one kernel's clock.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.ledger import Result, Seen, quantile
from lab.observed import BEGINNINGS, Done, Told
from lab.traffic import Sent

ALERT_SECONDS, ACT_SECONDS, RECOVERY_SECONDS = 60.0, 90.0, 180.0
"""The goals: until the first alert, until the act, until mail is quick again."""

QUICK_SECONDS = 5.0
"""What the 99th percentile of the delay is below where mail is quick."""

WINDOW_SECONDS = 5.0


@dataclass(frozen=True)
class Expected:
    """What must become of a fault.

    act: "drain mx1" and the like; None where there is nothing for an agent to do. tolerated: acts that are no
    fault besides. alerts: any of these names the cause. recovers: whether mail can be quick while it lasts.
    """

    act: str | None
    alerts: tuple[str, ...]
    tolerated: tuple[str, ...] = ()
    recovers: bool = True

    @property
    def put_behind(self) -> str | None:
        """The exchanger that DNS must prefer no more: who is drained or demoted."""
        name, _, whom = (self.act or "").partition(" ")
        return whom if name in ("drain", "demote") else None


@dataclass
class Seconds:
    """From the fault's begin; None: did not happen before its end."""

    alert: float | None
    act: float | None
    recovery: float | None


@dataclass
class Report:
    """One incident: its ledger, its times, and everything that was told and done meanwhile."""

    expected: Expected
    ledger: Result
    seconds: Seconds
    lasted: float
    told: list[Told] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        """What was not as it must be, a sentence each."""
        expected, seconds = self.expected, self.seconds
        found = list(self.ledger.complaints)
        if self.ledger.gave_up:
            found.append(f"{self.ledger.gave_up} letters were not accepted before their senders gave up")
        if expected.alerts:
            found += _late("the first alert", " or ".join(expected.alerts), seconds.alert, ALERT_SECONDS)
        if expected.act:
            found += _late("the act", expected.act, seconds.act, ACT_SECONDS)
        if expected.recovers:
            found += _late("mail quick again", "p99 under 5 s", seconds.recovery, RECOVERY_SECONDS)
        wrong = dict.fromkeys(f"{one.by}: {one.says} ({one.cause})" for one in self._surprises())
        return [*found, *(f"an act that was not called for: {text}" for text in wrong)]

    @property
    def well(self) -> bool:
        """Whether everything was as it must be."""
        return not self.complaints

    def as_json(self) -> dict[str, Any]:
        """Everything, for a report."""
        return {
            "name": self.ledger.name,
            "expected": vars(self.expected),
            "seconds": vars(self.seconds),
            "lasted": self.lasted,
            "told": [vars(one) for one in self.told],
            "done": [vars(one) for one in self.done],
            "ledger": self.ledger.as_json(),
            "complaints": self.complaints,
            "well": self.well,
        }

    def _surprises(self) -> list[Done]:
        called_for = {self.expected.act, *self.expected.tolerated}
        return [one for one in self.done if one.name in BEGINNINGS and one.says not in called_for]


def _late(what: str, which: str, seconds: float | None, most: float) -> list[str]:
    if seconds is None:
        return [f"{what} ({which}) did not come"]
    return [f"{what} ({which}) came after {seconds:.0f} s, more than {most:.0f}"] if seconds > most else []


def _delays(letters: Sequence[Sent], seen: Seen) -> list[tuple[float, float]]:
    """When each copy was accepted, and its seconds from the first attempt to the mailbox.

    One that did not arrive has taken for ever, and so has a letter that nobody accepted, at its last attempt.
    """
    found = []
    for sent in letters:
        if not sent.attempts:
            continue
        accepted = sent.accepted or sent.attempts[-1]
        for mailbox in sent.address.mailboxes:
            times = seen.delivered.get((sent.letter.ident, mailbox), ()) if sent.accepted else ()
            found.append((accepted.ended, min(times, default=math.inf) - sent.attempts[0].started))
    return found


def _waited(letters: Sequence[Sent], begin: float, end: float) -> bool:
    """Whether some letter was under way at its sender for the whole time."""
    return any(
        sent.attempts
        and sent.attempts[0].started <= begin
        and (sent.accepted is None or sent.accepted.ended >= end)
        for sent in letters
    )


def recovery(letters: Sequence[Sent], seen: Seen, begun: float, ended: float) -> float | None:
    """Seconds until the p99 of the delay is below QUICK_SECONDS for the rest of the fault; 0 if it always is.

    Letters are taken by the time they were accepted in, in windows of WINDOW_SECONDS. A window in which none
    was accepted is bad where a letter waited through all of it. None: the last window was still bad.
    """
    delays = _delays(letters, seen)
    last_bad = 0
    windows = int((ended - begun) / WINDOW_SECONDS)
    for number in range(windows):
        begin = begun + number * WINDOW_SECONDS
        end = begin + WINDOW_SECONDS
        within = [seconds for accepted, seconds in delays if begin <= accepted < end]
        if quantile(within, 0.99) >= QUICK_SECONDS if within else _waited(letters, begin, end):
            last_bad = number + 1
    return None if windows and last_bad == windows else last_bad * WINDOW_SECONDS
