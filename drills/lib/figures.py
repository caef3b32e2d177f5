"""The arithmetic of a drill: delays, windows and shares from letters and where they were found."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from drills.lib.record import WINDOW_SECONDS, Delay, Series, Window
from lab.ledger import Seen, quantile
from lab.settings import LAB
from lab.traffic import Sent

QUICK_SECONDS = 5.0
"""What the 99th percentile is below where mail is quick."""


class Copy(NamedTuple):
    """A copy of a letter: when its letter was due, and the seconds until it was in the mailbox.

    due: seconds since 1970. seconds: infinite where it has not arrived.
    """

    due: float
    seconds: float


def copies(letters: Sequence[Sent], seen: Seen) -> list[Copy]:
    """Every copy that is due, by the first of it that arrived.

    Of a letter that was refused for good there are none: its sender knows.
    """
    found = []
    for sent in letters:
        if sent.refused or not sent.attempts:
            continue
        for mailbox in sent.address.mailboxes:
            times = seen.delivered.get((sent.letter.ident, mailbox), ())
            found.append(Copy(sent.due, max(0.0, min(times, default=math.inf) - sent.due)))
    return found


def delay(seconds: Sequence[float]) -> Delay:
    """The quantiles of some delays."""
    if not seconds:
        return Delay(0, math.nan, math.nan, math.nan)
    return Delay(len(seconds), quantile(seconds, 0.5), quantile(seconds, 0.99), max(seconds))


def between(of: Sequence[Copy], begin: float, end: float) -> list[float]:
    """The delays of those due from `begin` up to `end`."""
    return [one.seconds for one in of if begin <= one.due < end]


def by_phase(of: Sequence[Copy], begun: float, ended: float) -> dict[str, list[float]]:
    """The delays before, in and after the fault; what it met under way it has delayed."""
    phases: dict[str, list[float]] = {"before": [], "fault": [], "after": []}
    for one in of:
        name = "before" if one.due + one.seconds <= begun else "fault" if one.due < ended else "after"
        phases[name].append(one.seconds)
    return phases


def windows(of: Sequence[Copy], begun: float, first: float, last: float) -> list[Window]:
    """Delays in windows of WINDOW_SECONDS, their moments from `begun` on; one without letters is left out."""
    found = []
    number = math.floor((first - begun) / WINDOW_SECONDS)
    while (at := number * WINDOW_SECONDS) < last - begun:
        within = between(of, begun + at, begun + at + WINDOW_SECONDS)
        if within:
            found.append(
                Window(at, quantile(within, 0.5), quantile(within, 0.99), max(within)),
            )
        number += 1
    return found


def recovery(of: Sequence[Window], ended: float) -> float | None:
    """Seconds from the begin of the fault until the p99 of each window stays quick; 0 where it always was.

    ended: the moment of the last letter. None: the last window was still slow.
    """
    slow = [window.at for window in of if window.at >= 0 and window.p99 >= QUICK_SECONDS]
    if not slow:
        return 0.0
    over = max(slow) + WINDOW_SECONDS
    return over if any(window.at >= over for window in of) and over < ended else None


def _answer(host: str, code: int | None, *, accepted: bool) -> str:
    if accepted:
        return f"accepted by {host}"
    if code is None:
        return f"no answer from {host}"
    return f"refused ({code})" if code >= 500 else f"put off ({code})"  # noqa: PLR2004 - SMTP replies


def answers(letters: Sequence[Sent], begun: float, first: float, last: float) -> dict[str, Series]:
    """What senders were told, in attempts a second, by the time the answer came."""
    width = WINDOW_SECONDS
    low = math.floor((first - begun) / width)
    high = math.ceil((last - begun) / width)
    counted: dict[str, list[int]] = {}
    for sent in letters:
        for one in sent.attempts:
            number = math.floor((one.ended - begun) / width) - low
            if 0 <= number < high - low:
                label = _answer(one.host, one.code, accepted=one.accepted)
                counted.setdefault(label, [0] * (high - low))[number] += 1
    return {
        label: [((low + number) * width, many / width) for number, many in enumerate(row)]
        for label, row in sorted(counted.items())
    }


def taken_over(letters: Sequence[Sent], begun: float, ended: float) -> float | None:
    """Seconds until the last exchanger accepts more than the first, in every window to the end."""
    first, last = LAB.hosts[0].alias, LAB.hosts[-1].alias
    behind = 0
    count = int((ended - begun) / WINDOW_SECONDS)
    taken = [(one.ended, one.host) for sent in letters for one in sent.attempts if one.accepted]
    for number in range(count):
        begin = begun + number * WINDOW_SECONDS
        hosts = [host for at, host in taken if begin <= at < begin + WINDOW_SECONDS]
        if hosts.count(first) >= hosts.count(last):
            behind = number + 1
    return None if behind == count else behind * WINDOW_SECONDS
