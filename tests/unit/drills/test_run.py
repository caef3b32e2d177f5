"""A run is measured from its own letters, alerts and acts, and only from those of its own time."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from drills.lib import monitors
from drills.lib import run as running
from drills.lib.course import Course
from drills.lib.flow import Flow, Flows
from drills.lib.model import SHORT, Drill, Holds, Step, Then, Timeline, Where
from drills.lib.record import Event, Record, Variant
from drills.lib.run import timeline_of
from drills.lib.show import Show
from lab.errors import LabError
from lab.ledger import Held, Seen
from lab.observed import Done, Told
from lab.traffic import Sent
from lab.traffic_session import Stage
from tests.unit.drills.made import BEGUN, FLOOD, USERS, arrived, attempt, drill, letter

STEPS = (Step(0.5, "workers", name="workers"),)
HOLDS = Holds(alerts=("QueueGrows",), act="drain mx1", after="true", refused=("flood",), takes_over=90.0)


def quick(first: int, last: int) -> list[Sent]:
    """A letter in each second, taken by mx1 until the fault and by mx2 from then on."""
    return [
        letter(f"users{at}", at, attempt(at + 0.1, "mx1" if at < 0 else "mx2"), address=USER)
        for at in range(first, last)
    ]


USER = letter("x", 0).address


def flow(stream: str, letters: list[Sent]) -> Flow:
    made = Flow(replace(USERS if stream == "users" else FLOOD, rate=0.001), 1, 0.0)
    made.journal.sent += letters
    return made


def done(at: float, name: str, *, automatic: bool = True) -> Done:
    return Done(BEGUN + at, "mx1", name, "mx1", "its forwarders are dead", automatic)


class Lab:
    """What a run finds in the lab."""

    def __init__(self) -> None:
        users = quick(-20, 60)
        refused = [letter(f"flood{number}", 1, attempt(2, code=550, stage=Stage.RCPT)) for number in range(5)]
        self.flows = Flows([flow("users", users), flow("flood", refused)])
        self.seen = {"users": arrived(users, 0.5), "flood": Seen()}
        self.told = [
            Told(BEGUN - 5, "QueueGrows", "mx2"),
            Told(BEGUN + 12, "CanaryLate", "mx2"),
            Told(BEGUN + 31, "QueueGrows", "mx1"),
            Told(BEGUN + 58, "QueueGrows", "mx1"),
        ]
        self.done = [done(-3, "demote"), done(20, "drain", automatic=False), done(42, "drain")]
        self.after: LabError | None = None
        self.course = Course(
            self.flows,
            first=BEGUN - 20,
            begun=BEGUN,
            proved=BEGUN + 3,
            ended=BEGUN + 40,
            recovered=BEGUN + 55,
            last=BEGUN + 60,
            steps=[Event(25.0, "step", "workers", "operator", "status 0: ", automatic=False)],
        )
        self.asked: list[tuple[Variant, Timeline, tuple[Step, ...]]] = []

    def carry_out(
        self, _: Drill, variant: Variant, timeline: Timeline, steps: tuple[Step, ...], *__: object
    ) -> Course:
        self.asked.append((variant, timeline, steps))
        return self.course

    def found(self, flows: list[Flow]) -> dict[str, Seen]:
        assert flows is self.flows.all
        return self.seen

    def check(self, where: Where, _: str) -> str:
        assert where is Where.CONTROLLER
        if self.after:
            raise self.after
        return ""


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    made = Lab()
    monkeypatch.setattr(running, "carry_out", made.carry_out)
    monkeypatch.setattr(running, "found", made.found)
    monkeypatch.setattr(running, "run_at", made.check)
    monkeypatch.setattr(monitors, "queues", lambda *moments: {"mx1 inbound active": [moments[:2]]})
    monkeypatch.setattr(monitors, "engines", lambda *_: {})
    monkeypatch.setattr(running, "told_since", lambda _: made.told)
    monkeypatch.setattr(running, "done_since", lambda _: made.done)
    return made


def run(variant: Variant = "now", holds: Holds = HOLDS, *, short: bool = False) -> Record:
    return running.run(replace(drill(), holds=holds), variant, 7, Show(), short=short)


def test_all_that_must_hold_does(lab: Lab) -> None:
    record = run()

    assert [check.says for check in record.checks if not check.holds] == []
    assert record.well


def test_moments_are_counted_from_the_begin_of_the_fault(lab: Lab) -> None:
    record = run()

    assert vars(record.phases) == {"first": -20, "proved": 3, "ended": 40, "recovered": 55, "last": 60}
    assert [(one.at, one.kind, one.says) for one in record.events] == [
        (-5, "alert", "QueueGrows"),
        (-3, "act", "demote mx1"),
        (12, "alert", "CanaryLate"),
        (20, "act", "drain mx1"),
        (25, "step", "workers"),
        (31, "alert", "QueueGrows"),
        (42, "act", "drain mx1"),
        (58, "alert", "QueueGrows"),
    ]


def test_the_alert_is_that_of_the_drill_in_its_time_and_the_act_nobody_s_order(lab: Lab) -> None:
    assert run().seconds == {"detect": 31.0, "act": 42.0, "recover": 0.0}


def test_without_a_demand_any_alert_is_the_first(lab: Lab) -> None:
    assert run(holds=Holds()).seconds["detect"] == 12.0


def test_what_comes_after_the_recovery_is_neither_alert_nor_act(lab: Lab) -> None:
    lab.told, lab.done = lab.told[3:], [done(56, "drain")]

    assert run().seconds == {"detect": None, "act": None, "recover": 0.0}


def test_an_act_before_the_fault_is_not_held_against_it(lab: Lab) -> None:
    lab.done.append(done(5, "demote"))

    bad = [(check.says, check.found) for check in run().checks if not check.holds]

    assert bad == [("no act that was not called for", "mx1: demote mx1 (its forwarders are dead)")]


def test_delays_are_those_of_bystanders(lab: Lab) -> None:
    accepted = letter("flood9", 1, attempt(2))
    lab.flows.all[1].journal.sent.append(accepted)
    lab.seen["flood"] = arrived([accepted], 300)

    record = run()

    assert {name: one.count for name, one in record.delays.items()} == {
        "before": 20,
        "fault": 40,
        "after": 20,
    }
    assert record.delays["fault"].longest == pytest.approx(0.5)
    assert [one.at for one in record.windows] == [float(at) for at in range(-20, 60, 5)]


def test_a_letter_that_never_arrives_is_seen_everywhere(lab: Lab) -> None:
    del lab.seen["users"].delivered["users10", "one@mailbox.example"]

    record = run(holds=replace(HOLDS, longest=20.0))

    assert record.lost == 1
    assert record.delays["fault"].longest == math.inf
    assert record.seconds["recover"] == 15.0
    bad = {check.says for check in record.checks if not check.holds}
    assert bad == {"nothing lost", "no bystander waited over 20 s"}


def test_each_stream_has_a_balance(lab: Lab) -> None:
    lab.seen["users"].held["users59"] = [Held("mx1 inbound", "ABC", "one@alias.example")]
    del lab.seen["users"].delivered["users59", "one@mailbox.example"]

    users, flood = run().streams

    assert (users.name, users.bystander, users.sent, users.delivered, users.queued) == (
        "users",
        True,
        80,
        79,
        1,
    )
    assert (flood.name, flood.bystander, flood.sent, flood.refused) == ("flood", False, 5, 5)


@pytest.mark.parametrize("slots", [0, 2])
def test_what_a_fault_may_repeat_is_what_was_in_hand(lab: Lab, slots: int) -> None:
    for number in (10, 11):
        lab.seen["users"].delivered[f"users{number}", "one@mailbox.example"].append(BEGUN + 45)

    record = run(holds=replace(HOLDS, slots=slots))

    assert record.duplicated == 2
    assert record.streams[0].explained == slots
    assert record.well is bool(slots)


def test_then_the_steps_may_repeat_what_they_kill_in_hand(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.seen["users"].delivered["users10", "one@mailbox.example"].append(BEGUN + 45)
    made = drill()
    assert made.then
    tried = replace(made, then=replace(made.then, slots=1))

    explained = {
        variant: running.run(tried, variant, 7, Show(), short=False).streams[0].explained
        for variant in ("now", "then")
    }

    assert explained == {"now": 0, "then": 1}


def test_what_is_told_after_the_last_letter_is_no_event(lab: Lab) -> None:
    lab.told.append(Told(BEGUN + 61, "PendingMail", "mx1"))

    assert "PendingMail" not in {one.says for one in run().events}


def test_answers_and_the_monitors_are_of_the_whole_run(lab: Lab) -> None:
    record = run()

    assert record.queues == {"mx1 inbound active": [(BEGUN, BEGUN - 20)]}
    assert record.answers["accepted by mx1"][0] == (-20.0, 1.0)
    assert record.answers["accepted by mx2"][-1][0] == 55.0


def test_the_drill_s_own_check_says_what_it_found(lab: Lab) -> None:
    lab.after = LabError("status 1: the alert was not told")

    [check] = [one for one in run().checks if not one.holds]

    assert (check.says, check.found) == ("true", "status 1: the alert was not told")


def test_a_record_says_which_design_it_is_of(lab: Lab) -> None:
    now, then = run(), run("then")

    assert (now.variant, now.design) == ("now", "")
    assert (then.variant, then.design) == ("then", "One host.")
    assert (now.drill, now.seed, now.replays) == ("made-up", 7, "Nothing.")


def test_a_record_comes_back_from_its_file(lab: Lab, tmp_path: Path) -> None:
    record = run()

    record.save(tmp_path / "record.json")

    assert Record.load_from(tmp_path / "record.json") == record


def test_only_now_has_a_short_form(lab: Lab) -> None:
    assert run(short=True).short
    assert not run("then", short=True).short
    assert [(variant, timeline) for variant, timeline, _ in lab.asked] == [
        ("now", SHORT),
        ("then", drill().timeline),
    ]


@pytest.mark.parametrize(
    ("variant", "short", "seconds", "steps"),
    [
        pytest.param("now", False, (60.0, 180.0, 30.0), STEPS, id="now"),
        pytest.param("now", True, (20.0, 75.0, 20.0), STEPS, id="short"),
        pytest.param("then", False, (60.0, 180.0, 30.0), drill().then.steps, id="then"),  # type: ignore[union-attr]
    ],
)
def test_each_variant_has_its_timeline_and_steps(
    variant: Variant, short: bool, seconds: tuple[float, ...], steps: tuple[Step, ...]
) -> None:
    timeline, taken = timeline_of(drill(steps=STEPS), variant, short=short)

    assert (timeline.before, timeline.fault, timeline.after) == seconds
    assert taken == steps


def test_then_may_take_longer() -> None:
    then = Then({}, "One host.", fault_seconds=300.0)

    timeline, _ = timeline_of(replace(drill(), then=then), "then", short=False)

    assert timeline == Timeline(60.0, 300.0, 30.0)
