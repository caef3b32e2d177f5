"""Hold a run against what must be: each demand is a sentence, what was found, and whether it holds."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from drills.lib.model import FLOOR_SECONDS, Drill
from drills.lib.record import Balance, Check, Record
from lab.ledger import Result
from lab.observed import BEGINNINGS, Done


@dataclass
class Found:
    """What the checks need besides the record.

    results: each stream's ledger. done: acts of the agents. missed: faults that were not in effect.
    both: bystanders' letters that both exchangers refused in one round. over: seconds until the last
    exchanger had the traffic. after: what the drill's own last check said, None where it held.
    """

    results: dict[str, Result]
    done: list[Done]
    missed: list[str]
    both: int
    over: float | None
    after: str | None


def checks(drill: Drill, record: Record, found: Found) -> list[Check]:
    """All that must hold for this variant."""
    made = [*_fault(drill, record, found), *_ledger(drill, record, found)]
    if record.variant == "now":
        made += [*_delays(drill, record), *_seen(drill, record, found)]
    return made


def worse(drill: Drill, then: Record, now: Record) -> Check:
    """Whether the design of the time fared as badly as the replay claims, by p99 or by the longest delay."""
    assert drill.then
    ours, theirs = now.delays["fault"], then.delays["fault"]
    ratio = max(theirs.p99 / ours.p99, theirs.longest / ours.longest)
    says = f"bystanders waited {drill.then.worse:g} times as long as now, or longer"
    found = f"p99 {_text(theirs.p99)} against {_text(ours.p99)}, longest {_text(theirs.longest)}"
    return Check(says, found, ratio >= drill.then.worse)


def _text(seconds: float | None) -> str:
    if seconds is None:
        return "did not happen"
    return "never" if math.isinf(seconds) else f"{seconds:.1f} s"


def _fault(drill: Drill, record: Record, found: Found) -> Iterator[Check]:
    yield Check("the fault was real", "; ".join(found.missed) or "proved", not found.missed)
    for stream in drill.streams:
        if stream.at_least:
            sent = next(one.sent for one in record.streams if one.name == stream.name)
            least = stream.at_least if not record.short else 1
            says = f"at least {least} letters of {stream.name}"
            yield Check(says, str(sent), sent >= least)
    for event in record.events:
        if event.kind == "step":
            yield Check(f"operator: {event.says}", event.cause, event.well)


def _ledger(drill: Drill, record: Record, found: Found) -> Iterator[Check]:
    yield Check("nothing lost", str(record.lost), record.lost == 0)
    results = found.results.values()
    ghosts = sum(len(one.ghosts) for one in results)
    yield Check("nothing delivered that was not accepted", str(ghosts), ghosts == 0)
    wrong = sum(len(one.unexplained) for one in results)
    surplus = sum(max(0, one.inside - one.allowed) for one in results)
    yield Check("nothing repeated without a cause", str(wrong + surplus), not wrong and not surplus)
    left = sum(one.queued for one in record.streams)
    yield Check("nothing left in a queue at the end", str(left), left == 0)
    bystanders = [one for one in record.streams if one.bystander]
    if record.variant == "now":
        yield from _of_bystanders(drill, bystanders, found)
    for name in drill.holds.refused if record.variant == "now" else ():
        refused = next(one.refused for one in record.streams if one.name == name)
        yield Check(f"{name}: refused for good, in the session", str(refused), refused > 0)


def _of_bystanders(drill: Drill, bystanders: list[Balance], found: Found) -> Iterator[Check]:
    refused = sum(one.refused + one.bounced for one in bystanders)
    yield Check("no letter of a bystander refused or bounced", str(refused), refused == 0)
    gave_up = sum(one.gave_up for one in bystanders)
    yield Check("no sender gave up", str(gave_up), gave_up == 0)
    aside = sum(one.quarantined for one in bystanders)
    if not drill.holds.quarantined:
        yield Check("no letter of a bystander in quarantine", str(aside), aside == 0)
    if not drill.holds.both_refuse:
        says = "no letter refused by both exchangers in one round"
        yield Check(says, str(found.both), found.both == 0)


def _delays(drill: Drill, record: Record) -> Iterator[Check]:
    holds, before, fault = drill.holds, record.delays["before"], record.delays["fault"]
    if holds.p99 is not None:
        yield Check(f"p99 of bystanders under {holds.p99:g} s", _text(fault.p99), fault.p99 < holds.p99)
    if holds.of_baseline is not None:
        usual = max(before.p99, FLOOR_SECONDS)
        says = f"p99 of bystanders within {holds.of_baseline:g} x what it was ({_text(before.p99)})"
        yield Check(says, _text(fault.p99), fault.p99 <= holds.of_baseline * usual < math.inf)
    if holds.longest is not None:
        longest = max((one.longest for one in record.delays.values() if one.count), default=math.nan)
        says = f"no bystander waited over {holds.longest:g} s"
        yield Check(says, _text(longest), longest <= holds.longest)


def _seen(drill: Drill, record: Record, found: Found) -> Iterator[Check]:
    holds = drill.holds
    if holds.alerts:
        at = record.seconds["detect"]
        says = f"alert {' or '.join(holds.alerts)} within {holds.alert_seconds:g} s"
        yield Check(says, _text(at), at is not None and at <= holds.alert_seconds)
    if holds.act:
        at = record.seconds["act"]
        says = f"{holds.act} by itself within {holds.act_seconds:g} s"
        yield Check(says, _text(at), at is not None and at <= holds.act_seconds)
    called_for = {holds.act, *holds.tolerated}
    wrong = [one for one in found.done if one.name in BEGINNINGS and one.says not in called_for]
    named = "; ".join(dict.fromkeys(f"{one.by}: {one.says} ({one.cause})" for one in wrong if one.automatic))
    yield Check("no act that was not called for", named or "none", not named)
    if holds.takes_over is not None:
        says = f"the last exchanger carries the traffic within {holds.takes_over:g} s"
        yield Check(says, _text(found.over), found.over is not None and found.over <= holds.takes_over)
    if holds.after:
        yield Check(holds.after, found.after or "so it was", found.after is None)
