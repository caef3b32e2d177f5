"""Each demand holds where it is met, and where it is not met it, and it alone, does not."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import pytest

from drills.lib.judge import Found, checks, worse
from drills.lib.model import Drill, Holds
from drills.lib.record import Balance, Check, Delay, Event, Record
from lab.ledger import Result
from lab.observed import Done
from tests.unit.drills.made import BEGUN, FLOOD, USERS
from tests.unit.drills.made import drill as made_up

HOLDS = Holds(
    p99=5.0,
    of_baseline=2.0,
    longest=20.0,
    alerts=("AccountFlood", "QueueGrows"),
    act="drain mx1",
    tolerated=("bypass rspamd",),
    takes_over=90.0,
    refused=("flood",),
    after="true",
)
DRAIN = Done(BEGUN + 40, "mx1", "drain", "mx1", "forwarders: 0 of 6", automatic=True)


def balance(name: str, **changes: Any) -> Balance:
    plain = Balance(name, name == "users", 900, 900, 0, 0, 1080, 0, 0, 0, 0, 0, 0)
    return replace(plain, **changes)


@dataclass
class Run:
    """A run in which everything is as it must be, to be spoilt."""

    drill: Drill
    record: Record
    found: Found

    @property
    def bad(self) -> list[str]:
        return [check.says for check in checks(self.drill, self.record, self.found) if not check.holds]

    @property
    def all(self) -> dict[str, Check]:
        return {check.says: check for check in checks(self.drill, self.record, self.found)}

    def demand(self, **holds: Any) -> Self:
        self.drill = replace(self.drill, holds=replace(self.drill.holds, **holds))
        return self

    def find(self, **changes: Any) -> Self:
        self.found = replace(self.found, **changes)
        return self

    def told(self, **seconds: float | None) -> Self:
        self.record.seconds.update(seconds)
        return self

    def delay(self, phase: str, p99: float, longest: float | None = None) -> Self:
        self.record.delays[phase] = Delay(300, 0.1, p99, p99 if longest is None else longest)
        return self

    def stream(self, name: str, **changes: Any) -> Self:
        streams = self.record.streams
        self.record.streams = [replace(one, **changes) if one.name == name else one for one in streams]
        return self

    def ledger(self, **changes: Any) -> Self:
        self.found.results["users"] = replace(self.found.results["users"], **changes)
        return self


@pytest.fixture
def run() -> Run:
    drill = replace(made_up(streams=(USERS, replace(FLOOD, at_least=3000))), holds=HOLDS)
    record = Record(
        drill=drill.name,
        says=drill.says,
        replays=drill.replays,
        variant="now",
        design="",
        short=False,
        started=BEGUN - 60,
        seed=1,
        cores=2,
        load=0.5,
        commit="a35d4e7",
        seconds={"detect": 31.0, "act": 40.0, "recover": 0.0},
        delays={phase: Delay(300, 0.1, 0.4, 1.2) for phase in ("before", "fault", "after")},
        events=[Event(60.0, "step", "restart", "operator", "status 0: done", automatic=False)],
        streams=[balance("users"), balance("flood", sent=3600, accepted=45, refused=3555, delivered=45)],
    )
    results = {name: Result(name, 1) for name in ("users", "flood")}
    return Run(drill, record, Found(results, [DRAIN], [], 0, 15.0, None))


def test_everything_holds(run: Run) -> None:
    assert not run.bad


Spoil = Callable[[Run], object]

SPOILT: dict[str, tuple[Spoil, str]] = {
    "the fault was gone": (lambda run: run.found.missed.append("first: broken"), "the fault was real"),
    "too small a flood": (lambda run: run.stream("flood", sent=2999), "at least 3000 letters of flood"),
    "a step went wrong": (
        lambda run: run.record.events.append(Event(90.0, "step", "restart", well=False)),
        "operator: restart",
    ),
    "lost": (lambda run: run.stream("users", lost=1), "nothing lost"),
    "lost of the flood": (lambda run: run.stream("flood", lost=1), "nothing lost"),
    "a ghost": (lambda run: run.ledger(ghosts=["a"]), "nothing delivered that was not accepted"),
    "repeated without a cause": (
        lambda run: run.ledger(unexplained=[("a", "one@mailbox.example")]),
        "nothing repeated without a cause",
    ),
    "more repeated than were in hand": (
        lambda run: run.ledger(inside=3, allowed=2),
        "nothing repeated without a cause",
    ),
    "a queue holds something": (
        lambda run: run.stream("flood", queued=1),
        "nothing left in a queue at the end",
    ),
    "a user refused": (
        lambda run: run.stream("users", refused=1),
        "no letter of a bystander refused or bounced",
    ),
    "a user's letter bounced": (
        lambda run: run.stream("users", bounced=1),
        "no letter of a bystander refused or bounced",
    ),
    "a sender gave up": (lambda run: run.stream("users", gave_up=1), "no sender gave up"),
    "quarantine": (lambda run: run.stream("users", quarantined=1), "no letter of a bystander in quarantine"),
    "neither exchanger": (lambda run: run.find(both=1), "no letter refused by both exchangers in one round"),
    "the flood not refused": (
        lambda run: run.stream("flood", refused=0),
        "flood: refused for good, in the session",
    ),
    "as slow as the most": (
        lambda run: run.delay("before", 4.0).delay("fault", 5.0),
        "p99 of bystanders under 5 s",
    ),
    "slower than before": (
        lambda run: run.delay("before", 0.8).delay("fault", 1.7),
        "p99 of bystanders within 2 x what it was (0.8 s)",
    ),
    "slower than the floor": (
        lambda run: run.delay("fault", 1.1),
        "p99 of bystanders within 2 x what it was (0.4 s)",
    ),
    "no quick mail before to compare with": (
        lambda run: run.delay("before", math.inf, 1.2),
        "p99 of bystanders within 2 x what it was (never)",
    ),
    "one waited": (lambda run: run.delay("fault", 0.4, 20.1), "no bystander waited over 20 s"),
    "one waited during the recovery": (
        lambda run: run.delay("after", 0.4, 20.1),
        "no bystander waited over 20 s",
    ),
    "one never arrived": (lambda run: run.delay("before", 0.4, math.inf), "no bystander waited over 20 s"),
    "no alert": (lambda run: run.told(detect=None), "alert AccountFlood or QueueGrows within 60 s"),
    "a late alert": (lambda run: run.told(detect=60.1), "alert AccountFlood or QueueGrows within 60 s"),
    "no act": (lambda run: run.told(act=None), "drain mx1 by itself within 90 s"),
    "a late act": (lambda run: run.told(act=90.1), "drain mx1 by itself within 90 s"),
    "another act": (
        lambda run: run.found.done.append(replace(DRAIN, by="mx2", name="demote")),
        "no act that was not called for",
    ),
    "not taken over": (lambda run: run.find(over=None), "the last exchanger carries the traffic within 90 s"),
    "taken over late": (
        lambda run: run.find(over=95.0),
        "the last exchanger carries the traffic within 90 s",
    ),
    "its own last check": (lambda run: run.find(after="status 1"), "true"),
}


@pytest.mark.parametrize(("spoil", "says"), SPOILT.values(), ids=SPOILT)
def test_a_demand_that_is_not_met_does_not_hold(run: Run, spoil: Spoil, says: str) -> None:
    spoil(run)

    assert run.bad == [says]


def test_every_demand_is_spoilt_here(run: Run) -> None:
    names = {says.split(" (")[0] for _, says in SPOILT.values()}

    assert {says.split(" (")[0] for says in run.all} == names


ALLOWED: dict[str, Spoil] = {
    "a flood's letters are no bystander's": lambda run: run.stream(
        "flood", gave_up=9, bounced=9, quarantined=9
    ),
    "explained copies": lambda run: run.stream("users", duplicated=3).ledger(inside=3, allowed=3),
    "a tolerated act": lambda run: run.found.done.append(replace(DRAIN, name="bypass", whom="rspamd")),
    "the end of an act": lambda run: run.found.done.append(replace(DRAIN, name="undrain")),
    "an operator's act": lambda run: run.found.done.append(replace(DRAIN, whom="mx2", automatic=False)),
    "at the floor": lambda run: run.delay("fault", 1.0),
    "exactly the longest": lambda run: run.delay("fault", 0.4, 20.0),
    "alert, act and traffic at the last moment": lambda run: run.told(detect=60.0, act=90.0).find(over=90.0),
    "quarantine where it is expected": lambda run: run.demand(quarantined=True).stream(
        "users", quarantined=1
    ),
    "both refuse where both reboot": lambda run: run.demand(both_refuse=True).find(both=1),
}


@pytest.mark.parametrize("spoil", ALLOWED.values(), ids=ALLOWED)
def test_what_is_allowed_holds(run: Run, spoil: Spoil) -> None:
    spoil(run)

    assert not run.bad


def test_a_fault_without_a_letter_has_no_delay_that_holds(run: Run) -> None:
    run.record.delays["fault"] = Delay(0, math.nan, math.nan, math.nan)

    assert run.bad == ["p99 of bystanders under 5 s", "p99 of bystanders within 2 x what it was (0.4 s)"]


def test_a_flood_is_as_small_as_one_letter_in_the_short_form_and_no_smaller(run: Run) -> None:
    run.record.short = True

    assert not run.stream("flood", sent=1).bad
    assert run.stream("flood", sent=0).bad == ["at least 1 letters of flood"]


def test_a_check_says_what_was_found(run: Run) -> None:
    run.found.missed += ["first: broken first", "outside: broken outside"]
    run.told(detect=None, act=12.34)
    run.delay("fault", math.inf)

    assert run.all["the fault was real"].found == "first: broken first; outside: broken outside"
    assert run.all["alert AccountFlood or QueueGrows within 60 s"].found == "did not happen"
    assert run.all["drain mx1 by itself within 90 s"].found == "12.3 s"
    assert run.all["p99 of bystanders under 5 s"].found == "never"
    assert run.all["operator: restart"].found == "status 0: done"


def test_an_uncalled_for_act_is_named_once_with_its_cause(run: Run) -> None:
    run.found.done += [replace(DRAIN, by="mx2", name="demote", cause="silent")] * 2

    assert run.all["no act that was not called for"].found == "mx2: demote mx1 (silent)"


def test_only_what_is_demanded_is_checked(run: Run) -> None:
    run.drill = replace(run.drill, holds=Holds())

    assert not {says for says in run.all if says.startswith(("p99", "no bystander waited", "alert", "drain"))}
    assert "no act that was not called for" in run.all


def test_of_then_only_the_fault_and_the_ledger_are_checked(run: Run) -> None:
    run.record.variant = "then"
    run.delay("fault", 310.0, math.inf)
    run.told(detect=None, act=None)
    run.stream("users", gave_up=9, quarantined=1)
    run.stream("flood", refused=0)
    run.found.over, run.found.both = None, 40

    assert not run.bad

    run.stream("users", lost=1)
    run.found.missed.append("first: broken")
    assert run.bad == ["the fault was real", "nothing lost"]


def fared(run: Run, p99: float, longest: float) -> Record:
    return replace(run.record, delays={"fault": Delay(300, 0.1, p99, longest)})


@pytest.mark.parametrize(
    ("then", "now", "holds"),
    [
        pytest.param((4.0, 4.0), (0.4, 1.2), True, id="p99 ten times"),
        pytest.param((3.9, 11.9), (0.4, 1.2), False, id="neither ten times"),
        pytest.param((0.5, 12.0), (0.4, 1.2), True, id="the longest ten times"),
        pytest.param((math.inf, math.inf), (0.4, 1.2), True, id="then for ever"),
        pytest.param((math.inf, math.inf), (math.inf, math.inf), False, id="both for ever"),
        pytest.param((math.nan, math.nan), (0.4, 1.2), False, id="no letters"),
    ],
)
def test_then_must_be_so_many_times_worse(
    run: Run, then: tuple[float, float], now: tuple[float, float], holds: bool
) -> None:
    check = worse(run.drill, fared(run, *then), fared(run, *now))

    assert check.says == "bystanders waited 10 times as long as now, or longer"
    assert check.holds is holds
