"""Pages of the status page for tests: a quiet pair, and one in the middle of an incident."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from twinmx.status.view import LOST, Act, Engine, Host, Limits, Points, View

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
STEP = 30


def curve(level: float, *peaks: tuple[float, float, float], until: float = 0) -> Points:
    """An hour around `level`, until so long ago, with peaks: age (seconds), height, half width (seconds)."""
    return [
        (age, level * (1 + 0.3 * math.sin(age / 97)) + sum(_peak(age, *peak) for peak in peaks))
        for age in (float(age) for age in range(3570, -1, -STEP))
        if age >= until
    ]


def messages(level: float, *peaks: tuple[float, float, float], until: float = 0) -> Points:
    """The same in whole messages."""
    return [(age, value and float(round(value))) for age, value in curve(level, *peaks, until=until)]


def _peak(age: float, at: float, height: float, width: float) -> float:
    return height * max(0.0, 1 - abs(age - at) / width)


def with_lost(points: Points, first: float, last: float) -> Points:
    """The same, with every message of that age lost."""
    return [(age, LOST if last <= age <= first else value) for age, value in points]


ENGINES = (Engine("rspamd", True, 0.18, 0.0), Engine("spamassassin", True, 1.4, 0.01))


def host(name: str, phase_shift: float = 0, **changes: object) -> Host:
    """A host that is well."""
    well = Host(
        name,
        heard_seconds=0.0 if name == "mx1" else 2.1,
        since_seconds=93_600 + phase_shift,
        well=True,
        forwarders=(6, 6),
        gates=(2, 2),
        inbound=messages(3 + phase_shift),
        outbound=messages(41 + phase_shift, (2400, 15, 600)),
        canary=curve(0.4 + phase_shift / 10),
        engines=ENGINES,
        limits=Limits(False, 3),
    )
    return replace(well, **changes)  # type: ignore[arg-type]


def act(ago: float, where: str, name: str, whom: str, cause: str, *, automatic: bool = True) -> Act:
    """Something done `ago` seconds before NOW."""
    return Act(NOW - timedelta(seconds=ago), where, name, whom, cause, automatic)


MX = {"alias.example": ((10, "mx1"), (20, "mx2")), "shop.example": ((10, "mx1"), (20, "mx2"))}
QUIET = View(
    "mx1",
    NOW,
    (host("mx1"), host("mx2", 1)),
    MX,
    acts=(act(93_600, "mx2", "return", "mx2", "good again"),),
    pending_messages=50,
    delay_seconds=120,
)
INCIDENT = View(
    "mx2",
    NOW,
    (
        host(
            "mx1",
            heard_seconds=2.4,
            phase="drained",
            cause="canary, pending",
            since_seconds=312,
            well=False,
            bad=("canary", "pending"),
            suspect=("canary", "pending", "deferrals"),
            forwarders=(4, 6),
            inbound=messages(3, (420, 176, 500)),
            outbound=messages(41, (300, 130, 700)),
            canary=with_lost(curve(0.4, (540, 88, 300)), 420, 240),
            engines=(
                Engine("rspamd", False, 9.8, 0.83, out_seconds=431),
                Engine("spamassassin", True, 3.2, 0.04),
            ),
            limits=Limits(False, 1_840, (("shop@alias.example", 1_702), ("news@alias.example", 61))),
        ),
        host("mx2", 1, heard_seconds=0.0, suspect=("deferrals",), limits=Limits(True, 12)),
    ),
    dict.fromkeys(MX, ((10, "mx2"), (20, "mx1"))),
    acts=(
        act(301, "mx1", "drained", "mx1", "empty"),
        act(312, "mx1", "drain", "mx1", "canary, pending"),
        act(389, "mx1", "bypass", "rspamd", "it does not answer well, and another does"),
        act(7_020, "mx2", "release", "mx2", "ordered by anna: kernel update done", automatic=False),
        act(8_400, "mx2", "hold", "mx2", "ordered by anna: kernel update", automatic=False),
    ),
    pending_messages=50,
    delay_seconds=120,
)
SILENT = replace(
    QUIET,
    hosts=(
        QUIET.hosts[0],
        host(
            "mx2",
            1,
            heard_seconds=847.0,
            inbound=messages(4, until=840),
            outbound=messages(42, until=840),
            canary=curve(0.5, until=840),
        ),
    ),
    mx={"alias.example": None},
)
