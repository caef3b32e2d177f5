"""A host that stands still for SPELL periods and is back, as each of the two Prometheus sees it.

mx2 is frozen. On mx1 its answers are missing and those of mx1 are not; on mx2 itself there is nothing at all
of that time. When it is back, its canary finds every message late, and the canary of mx1 those through mx2.
"""

from roles.lib.alerts.hosts import SPREAD
from tests.alerts.cases import canary, up
from tests.alerts.played import (
    AFTER,
    ALERTS,
    CLEAR,
    ONSET,
    SPELL,
    constant,
    level,
    play,
    seen,
    silent,
)

FROZEN = {"host": "mx2"}
LATE, QUICK = 300, 30
BACK = ONSET + SPELL
DRAINS = 3
"""Periods after its return in which late messages arrive."""


def _gap(before: str, after: str) -> str:
    """Values before and after; nothing between them."""
    return f"{before}x{ONSET - 1} _x{SPELL} {after}x{AFTER - 1}"


def _said(what: str, sender: str, via: str) -> str:
    """A figure of the canary of `sender` about `via`."""
    return canary(what, sender).replace('via="mx1"', f'via="{via}"')


def _delays(sender: str, via: str, *, read: bool) -> dict[str, str]:
    """A histogram of five messages a period; those of the spell arrive in the periods after it, late.

    read: whether the canary is read meanwhile.
    """
    series = _said("delay_seconds_bucket", sender, via)[:-1]
    quick = 5 * ONSET
    meanwhile = f"{quick}x{SPELL - 1}" if read else f"_x{SPELL}"
    drained = quick + 40 * DRAINS
    before = f"5+5x{ONSET - 1} {meanwhile}"
    late = f"{before} {quick}+40x{DRAINS} {drained + 5}+5x{AFTER - DRAINS - 2}"
    return {
        f'{series},le="{QUICK}"}}': f"{before} {quick}x{DRAINS} {quick + 5}+5x{AFTER - DRAINS - 2}",
        f'{series},le="{LATE}"}}': late,
        f'{series},le="+Inf"}}': late,
    }


def _lost(sender: str, via: str) -> dict[str, str]:
    """Messages that a canary gives up soon after it is back."""
    return {_said("lost_total", sender, via): f"0x{ONSET - 1} _x{SPELL} 0 9x{AFTER - 2}"}


SEEN_FROM_MX1 = {
    up("canary", "mx1", "mx1"): constant(1),
    up("canary", "mx2", "mx2"): level(1, 0),
    _said("waiting_seconds", "mx1", "mx2"): f"1x{ONSET - 1} 15+15x{SPELL - 1} 1x{AFTER}",
    **_delays("mx1", "mx2", read=True),
    **_delays("mx2", "mx1", read=False),
    **_delays("mx2", "mx2", read=False),
    **_lost("mx2", "mx1"),
    **_lost("mx2", "mx2"),
}
SEEN_FROM_MX2 = {
    up("canary", "mx1", "mx1"): _gap("1", "1"),
    up("canary", "mx2", "mx2"): _gap("1", "1"),
    **_delays("mx1", "mx2", read=False),
    **_delays("mx2", "mx1", read=False),
    **_delays("mx2", "mx2", read=False),
    **_lost("mx2", "mx1"),
    **_lost("mx2", "mx2"),
}

LAST = SPREAD - 1
FOUND_LATER = {
    up("node", host="mx2"): level(1, 0),
    up("queues", host="mx2"): level(1, 0, SPELL + LAST),
}
"""One program of the host is read at once when it is back, another some periods later."""

THAWED = [
    *(
        silent(f"mx2 was frozen, seen from {where}", alert, series)
        for where, series in (("mx1", SEEN_FROM_MX1), ("mx2", SEEN_FROM_MX2))
        for alert in ("CanaryDelay", "CanaryLost")
    ),
    play(
        "what a silence hides has cleared before it is over",
        FOUND_LATER,
        [
            seen(ALERTS["ProgramMissing"], BACK + LAST + CLEAR - 2, FROZEN | {"job": "queues"}),
            seen(ALERTS["ProgramMissing"], BACK + LAST + CLEAR - 1),
            seen(ALERTS["HostSilent"], BACK + LAST + CLEAR - 1, FROZEN),
        ],
    ),
]
