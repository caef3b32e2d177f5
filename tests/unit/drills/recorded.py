"""Made-up records for the tests of the reports: ordinary runs, and what else a run may look like."""

import math
import random
from dataclasses import replace

from drills.lib.record import Balance, Check, Delay, Event, Phases, Record, Series, Variant, Window

STARTED = 1_795_410_900.0
"""2026-11-23 05:15 UTC."""

SAYS = (
    "An account with 20 aliases receives 3600 letters in three minutes; everybody else an ordinary trickle."
)
REPLAYS = (
    "SimpleLogin, 'Post-mortem of the incident on June 16', 2021-06-18 (https://simplelogin.io/blog/), "
    "where delays grew to hours."
)


def record(variant: Variant = "now", *, worst: float = 0.4, before: float = 0.16, seed: int = 1) -> Record:
    """A run whose p99 grows from `before` to `worst` seconds during a fault of three minutes."""
    chance = random.Random(seed)
    windows = [_window(at, _p99(at, before, worst) * chance.uniform(0.8, 1.2)) for at in range(-60, 260, 5)]
    return Record(
        drill="june-2021",
        says=SAYS,
        replays=REPLAYS,
        variant=variant,
        design="One queue for all, 421 over the limit, no peer." if variant == "then" else "",
        short=False,
        started=STARTED,
        seed=seed,
        cores=2,
        load=0.74,
        commit="a35d4e7",
        phases=Phases(first=-60, proved=4.2, ended=180, recovered=201.5, last=262),
        seconds={"detect": 31.0, "act": 42.5, "recover": 12.0},
        delays={
            "before": Delay(300, before / 2, before, before * 1.6),
            "fault": Delay(900, worst / 3, worst, worst * 1.3),
            "after": Delay(400, before / 2, before * 1.2, worst),
        },
        windows=windows,
        queues=_queues(worst),
        answers=_answers(),
        engines={f"{host} {engine} scanned": _flat(2.5) for host in ("mx1", "mx2") for engine in ("rspamd",)}
        | {"mx1 spamassassin scanned": _flat(0)},
        events=EVENTS,
        streams=[
            Balance("users", True, 1600, 1600, 0, 0, 1824, 0, 0, 0, 0, 2, 2),
            Balance("flood", False, 3600, 45, 3555, 0, 45, 0, 0, 0, 0, 0, 0),
        ],
        checks=[
            Check("p99 of bystanders is at most 5 s", f"{worst:.2f} s", worst <= 5),
            Check("the longest delay is at most 20 s", f"{worst * 1.3:.2f} s", worst * 1.3 <= 20),
            Check("nothing is lost", "0 of 1869 copies", True),
            Check("an alert LimitedAccount is told within 60 s", "after 31.0 s", True),
        ],
    )


def empty() -> Record:
    """A run that broke off before anything was measured."""
    return Record(
        drill="kill-first",
        says="",
        replays="",
        variant="now",
        design="",
        short=True,
        started=STARTED,
        seed=0,
        cores=1,
        load=0.0,
        commit="",
        seconds={"detect": None},
        queues={"mx1 inbound deferred": []},
        delays={"fault": Delay(0, 0.0, 0.0, 0.0)},
    )


def crowded(events: int = 400) -> Record:
    """A run with very many events, each with a text of its own, and more series than there are colours."""
    many = [
        Event(
            at=-50 + number * 0.75, kind=("alert", "act", "step")[number % 3], says=f"event {number} of many"
        )
        for number in range(events)
    ]
    series: dict[str, Series] = {f"mx{number} inbound active": _flat(number + 1.0) for number in range(14)}
    return replace(record(), events=many, queues=series, answers=series)


EVENTS = [
    Event(31.0, "alert", "AccountLimited flood@post.example", "mx1"),
    Event(31.4, "alert", "AccountLimited flood@post.example", "mx2"),
    Event(33.0, "alert", "InboundQueueGrows mx1", "mx1"),
    Event(42.5, "act", "drain mx1", "mx1", "forwarders: 0 of 6 ready"),
    Event(43.0, "act", "demote mx1", "mx2", "mx1 drains"),
    Event(90.0, "step", "converge --data workers=12", "operator", well=True),
    Event(
        140.0, "step", "postqueue -f on both exchangers, and again", "operator", automatic=False, well=False
    ),
    Event(240.0, "act", "undrain mx1", "mx1", "well for 30 s"),
    Event(256.0, "alert", "CanaryLate mx1, resolved after a while", "mx1"),
]


def _window(at: float, p99: float) -> Window:
    return Window(float(at), p99 / 3, p99, p99 * 1.3)


def _p99(at: float, before: float, worst: float) -> float:
    """Grows by the same factor each second of the fault, and falls as fast again."""
    share = max(0.0, min(at / 170, (230 - at) / 50, 1.0))
    return before * math.pow(worst / before, share)


def _flat(value: float) -> Series:
    return [(float(at), value) for at in range(-60, 262, 5)]


def _queues(worst: float) -> dict[str, Series]:
    most = {"deferred": 8.0, "active": 3.0, "incoming": 0.5}
    return {
        f"{host} {instance} {state}": [
            (float(at), round(_p99(at, 1, 1 + worst * share) - 1) if instance == "inbound" else 0.0)
            for at in range(-60, 262, 5)
        ]
        for host in ("mx1", "mx2")
        for instance in ("inbound", "outbound")
        for state, share in most.items()
    }


def _answers() -> dict[str, Series]:
    return {
        "accepted by mx1": _flat(3.1),
        "accepted by mx2": _flat(1.9),
        "refused": [(float(at), 19.5 if 0 <= at < 180 else 0.0) for at in range(-60, 262, 5)],
        "put off": _flat(0.0),
    }
