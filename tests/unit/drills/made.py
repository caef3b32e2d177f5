"""Made-up letters, drills and streams for the tests of the drills' own code."""

import math
from collections.abc import Iterable

from drills.lib.model import Drill, Fault, Holds, Step, Stream, Then, Timeline, Where
from lab.ledger import Seen
from lab.traffic import Address, Sent
from lab.traffic_session import Attempt, Letter, Stage

BEGUN = 1_000_000.0
"""When the fault begins, in seconds since 1970."""

ONE = Address("one@alias.example", ("one@mailbox.example",))
TWO = Address("two@alias.example", ("two@mailbox.example", "two@post.example"))


def attempt(at: float, host: str = "mx1", code: int | None = 250, *, stage: Stage = Stage.END) -> Attempt:
    """One that was answered at `at`, in seconds from BEGUN."""
    return Attempt(host, BEGUN + at - 0.1, BEGUN + at, stage, code, "queued as ABC")


def letter(ident: str, due: float, *attempts: Attempt, address: Address = ONE) -> Sent:
    """A letter that was due at `due`, in seconds from BEGUN."""
    written = Letter(ident, f"{ident}@sender.example", address.alias, b"")
    return Sent(written, address, list(attempts), BEGUN + due)


def arrived(sent: Iterable[Sent], after: float) -> Seen:
    """All of them in all their mailboxes, so many seconds after they were due; infinite: nowhere."""
    if math.isinf(after):
        return Seen()
    return Seen(
        delivered={
            (one.letter.ident, mailbox): [one.due + after]
            for one in sent
            for mailbox in one.address.mailboxes
        }
    )


OUTSIDE = Fault(Where.OUTSIDE, "break outside", "mend outside", "broken outside")
HERE = Fault(Where.CONTROLLER, "break here", "mend here", "broken here")
FIRST = Fault(Where.FIRST, "break first", "mend first", "broken first")
PASSING = Fault(Where.ALL, "kill", "true", "killed", lasts=False)
USERS, FLOOD = Stream("users", 5.0), Stream("flood", 20.0, "flooded", throughout=False, bystander=False)


def drill(
    *faults: Fault, steps: tuple[Step, ...] = (), streams: tuple[Stream, ...] = (USERS, FLOOD)
) -> Drill:
    """A drill of both designs, with an inventory of its own."""
    return Drill(
        name="made-up",
        says="Something breaks.",
        replays="Nothing.",
        faults=faults,
        streams=streams,
        steps=steps,
        timeline=Timeline(60.0, 180.0, 30.0),
        holds=Holds(),
        inventory={"workers": 3},
        then=Then(
            {"failover": {"mode": "manual"}}, "One host.", steps=(Step(0.5, "restart", name="restart"),)
        ),
    )
