"""The ledger: of every letter an exchanger has accepted, where is each copy that was due?

A letter is due once in every mailbox behind its alias. Each of these copies is delivered, in quarantine,
bounced to its sender, in a queue, or lost. A second copy is counted as a duplicate, and has to be explained:
by an attempt whose final answer its sender did not see (RFC 1047), or by a `Moment` at which something was
killed while the letter was under way, and then not more of them than could be in hand at that moment.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.settings import LAB
from lab.traffic import Sent

Copy = tuple[str, str]
"""A letter's ident and a mailbox: one copy that is due."""


@dataclass(frozen=True)
class Moment:
    """Something was killed or cut off, between two times in seconds since 1970.

    slots: how many messages it can have had in hand, taken by the next program and not yet answered for.
    """

    begun: float
    ended: float
    slots: int
    what: str


@dataclass(frozen=True)
class Held:
    """A letter in a queue. recipient: an alias, a mailbox, or the sender where it is a bounce."""

    queue: str
    queue_id: str
    recipient: str


@dataclass
class Seen:
    """Where the letters of a run were found.

    delivered: times of arrival of each copy. bounced: letters whose sender has got a bounce.
    """

    delivered: dict[Copy, list[float]] = field(default_factory=dict)
    quarantined: Counter[Copy] = field(default_factory=Counter)
    bounced: set[str] = field(default_factory=set)
    held: dict[str, list[Held]] = field(default_factory=dict)


@dataclass(frozen=True)
class Duplicate:
    """Copies too many in one mailbox; `by_sender` of them are explained by the sender's own attempts."""

    ident: str
    mailbox: str
    extra: int
    by_sender: int


@dataclass(frozen=True)
class Delays:
    """Seconds from the accepting answer to the file in the mailbox.

    The last two begin with the sender's first attempt instead: what it waited in sessions and for its next
    attempt counts as well.
    """

    p50: float
    p99: float
    longest: float
    p99_from_first_try: float
    longest_from_first_try: float


@dataclass
class Result:
    """What became of a run.

    sent … unknown count letters; delivered … lost count copies, of accepted letters only.
    refused: answered 5xx. gave_up: neither accepted nor refused when the sender's patience ended.
    unknown: letters with an attempt whose answer was not seen. ghosts: letters refused or deferred to the
    end, yet delivered. inside: duplicates that the exchangers have made, allowed: how many of them could be
    in hand at the kills; unexplained: those of letters which were not under way at any kill. objections: what
    who ran it has found wrong.
    """

    name: str
    seed: int
    sent: int = 0
    accepted: int = 0
    refused: int = 0
    gave_up: int = 0
    unknown: int = 0
    copies: int = 0
    delivered: int = 0
    quarantined: int = 0
    bounced: int = 0
    queued: int = 0
    lost: list[Copy] = field(default_factory=list)
    ghosts: list[str] = field(default_factory=list)
    duplicated: int = 0
    inside: int = 0
    allowed: int = 0
    unexplained: list[Copy] = field(default_factory=list)
    delays: Delays | None = None
    answers: dict[str, int] = field(default_factory=dict)
    objections: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        """What must not be, a sentence each; empty when nothing was lost, refused or repeated wrongly."""
        checks = [
            (not self.accepted, f"no letter of {self.sent} was accepted"),
            (bool(self.lost), f"lost: {_named(self.lost)}"),
            (bool(self.refused), f"{self.refused} letters refused for good (5xx)"),
            (bool(self.bounced), f"{self.bounced} copies bounced"),
            (bool(self.ghosts), f"not accepted, yet delivered: {', '.join(self.ghosts)}"),
            (bool(self.unexplained), f"repeated without a cause: {_named(self.unexplained)}"),
            (
                self.inside > self.allowed,
                f"{self.inside} copies repeated by the exchangers, at most {self.allowed} were in hand",
            ),
        ]
        return [*(text for wrong, text in checks if wrong), *self.objections]

    @property
    def well(self) -> bool:
        """Whether the run was as it must be."""
        return not self.complaints

    def as_json(self) -> dict[str, Any]:
        """Everything, for a report."""
        return {**asdict(self), "well": self.well, "complaints": self.complaints}


def _named(copies: Iterable[Copy]) -> str:
    return ", ".join(f"{ident} for {mailbox}" for ident, mailbox in copies)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that `share` of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def place_of(sent: Sent, mailbox: str, seen: Seen) -> str:
    """Where the copy for `mailbox` is: delivered, quarantined, queued, bounced or lost."""
    ident = sent.letter.ident
    if seen.delivered.get((ident, mailbox)):
        return "delivered"
    if seen.quarantined[ident, mailbox]:
        return "quarantined"
    held_for = {held.recipient for held in seen.held.get(ident, ())}
    if held_for & {sent.address.alias, mailbox}:
        return "queued"
    if ident in seen.bounced or sent.letter.sender in held_for:
        return "bounced"
    return "lost"


def refused_by_both(letters: Sequence[Sent]) -> int:
    """Letters whose first round, one attempt at each exchanger, ended without an acceptance."""
    return sum(not any(one.accepted for one in sent.attempts[: len(LAB.hosts)]) for sent in letters)


def _duplicates(letters: Sequence[Sent], seen: Seen) -> list[Duplicate]:
    found = []
    for sent in letters:
        for mailbox in sent.address.mailboxes:
            copy = (sent.letter.ident, mailbox)
            extra = len(seen.delivered.get(copy, ())) + seen.quarantined[copy] - 1
            if extra > 0:
                found.append(Duplicate(*copy, extra, min(extra, sent.unknown)))
    return found


def _under_way(sent: Sent, moment: Moment, seen: Seen) -> bool:
    """Whether the letter had been begun and its last copy had not arrived when it happened."""
    ident = sent.letter.ident
    times = [one for mailbox in sent.address.mailboxes for one in seen.delivered.get((ident, mailbox), ())]
    return sent.attempts[0].started <= moment.ended and moment.begun <= max(times, default=math.inf)


def _possible(letters: Sequence[Sent], moment: Moment, seen: Seen) -> int:
    """How many copies can have been repeated: those of the letters under way, no more letters than slots."""
    copies = [len(sent.address.mailboxes) for sent in letters if _under_way(sent, moment, seen)]
    return sum(sorted(copies, reverse=True)[: moment.slots])


def _delays(letters: Sequence[Sent], seen: Seen) -> Delays | None:
    arrived = [
        (sent, sent.accepted.ended, min(times))
        for sent in letters
        if sent.accepted
        for mailbox in sent.address.mailboxes
        if (times := seen.delivered.get((sent.letter.ident, mailbox)))
    ]
    if not arrived:
        return None
    seconds = [max(0.0, time - accepted) for _, accepted, time in arrived]
    whole = [max(0.0, time - sent.attempts[0].started) for sent, _, time in arrived]
    return Delays(
        quantile(seconds, 0.5), quantile(seconds, 0.99), max(seconds), quantile(whole, 0.99), max(whole)
    )


def _count_duplicates(result: Result, letters: Sequence[Sent], seen: Seen, moments: Sequence[Moment]) -> None:
    by_ident = {sent.letter.ident: sent for sent in letters}
    duplicates = _duplicates(letters, seen)
    made_inside = [one for one in duplicates if one.extra > one.by_sender]
    result.duplicated = sum(one.extra for one in duplicates)
    result.inside = sum(one.extra - one.by_sender for one in made_inside)
    result.allowed = sum(_possible(letters, moment, seen) for moment in moments)
    result.unexplained = [
        (one.ident, one.mailbox)
        for one in made_inside
        if not any(_under_way(by_ident[one.ident], moment, seen) for moment in moments if moment.slots)
    ]


def account(
    name: str, seed: int, letters: Sequence[Sent], seen: Seen, moments: Sequence[Moment] = ()
) -> Result:
    """Balance what was accepted against what was found."""
    result = Result(name, seed, sent=len(letters), delays=_delays(letters, seen))
    attempts = [one for sent in letters for one in sent.attempts if not one.accepted]
    answers = Counter(f"{one.stage}: {one.code or ''} {one.text[:60]}" for one in attempts)
    result.answers = dict(answers.most_common())
    for sent in letters:
        result.accepted += sent.accepted is not None
        result.refused += sent.refused is not None
        result.gave_up += not (sent.accepted or sent.refused)
        result.unknown += sent.unknown > 0
    for sent in letters:
        places = Counter(place_of(sent, mailbox, seen) for mailbox in sent.address.mailboxes)
        if sent.accepted is None:
            if places["delivered"] and not sent.unknown:
                result.ghosts.append(sent.letter.ident)
            continue
        result.copies += len(sent.address.mailboxes)
        result.delivered += places["delivered"]
        result.quarantined += places["quarantined"]
        result.bounced += places["bounced"]
        result.queued += places["queued"]
        result.lost += [
            (sent.letter.ident, mailbox)
            for mailbox in sent.address.mailboxes
            if place_of(sent, mailbox, seen) == "lost"
        ]
    _count_duplicates(result, letters, seen, moments)
    result.left = [
        f"{one.queue} {one.queue_id} {ident} for {one.recipient}"
        for ident, many in seen.held.items()
        for one in many
    ]
    return result
