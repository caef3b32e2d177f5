"""The ledger sees what it is there for: planted losses, duplicates and ghosts."""

import json
from collections import Counter

import pytest

from lab.ledger import Held, Moment, Result, Seen, account, quantile, refused_by_both
from lab.traffic import Address, Sent
from lab.traffic_session import Attempt, Letter, Stage

ONE = Address("one@alias.example", ("one@mailbox.example",))
TWO = Address("two@alias.example", ("two@mailbox.example", "two@post.example"))
ACCEPTED_AT = 1000.0
KILL = Moment(1000.1, 1000.2, 1, "a worker killed")


def attempt(stage: Stage = Stage.END, code: int | None = 250) -> Attempt:
    return Attempt("mx1", ACCEPTED_AT - 1, ACCEPTED_AT, stage, code, "queued as ABC")


def letter(ident: str, address: Address, *attempts: Attempt) -> Sent:
    written = Letter(ident, f"{ident}@sender.example", address.alias, b"")
    return Sent(written, address, list(attempts or (attempt(),)))


def seen(**arrivals: list[float]) -> Seen:
    """Arrivals of the letters to ONE, by ident."""
    return Seen(delivered={(ident, ONE.mailboxes[0]): times for ident, times in arrivals.items()})


def balance(letters: list[Sent], found: Seen, *moments: Moment) -> Result:
    return account("case", 1, letters, found, moments)


def test_what_arrived_once_is_as_it_must_be() -> None:
    result = balance([letter("a", ONE), letter("b", ONE)], seen(a=[1000.5], b=[1003.0]))

    assert result.well
    assert (result.accepted, result.copies, result.delivered) == (2, 2, 2)
    assert result.delays is not None
    assert (result.delays.p50, result.delays.p99, result.delays.longest) == (0.5, 3.0, 3.0)


def test_the_sender_s_own_waiting_counts_from_its_first_attempt() -> None:
    first = Attempt("mx1", ACCEPTED_AT - 60, ACCEPTED_AT - 59, Stage.RCPT, 451, "try again")
    late = letter("a", ONE, first, attempt())

    delays = balance([late], seen(a=[1000.5])).delays

    assert delays is not None
    assert delays.longest == 0.5
    assert (delays.p99_from_first_try, delays.longest_from_first_try) == (60.5, 60.5)


def test_a_copy_that_is_nowhere_is_lost() -> None:
    result = balance([letter("a", ONE), letter("b", ONE)], seen(a=[1000.5]))

    assert result.lost == [("b", "one@mailbox.example")]
    assert not result.well
    assert "lost: b for one@mailbox.example" in result.complaints


def test_each_mailbox_of_an_alias_is_due_a_copy() -> None:
    found = Seen(delivered={("a", "two@mailbox.example"): [1000.5]})

    assert balance([letter("a", TWO)], found).lost == [("a", "two@post.example")]


@pytest.mark.parametrize(
    ("found", "counted"),
    [
        pytest.param(Seen(quarantined=Counter({("a", "one@mailbox.example"): 1})), "quarantined", id="spam"),
        pytest.param(Seen(held={"a": [Held("mx1 inbound", "ABC", ONE.alias)]}), "queued", id="inbound"),
        pytest.param(Seen(held={"a": [Held("mx2 out", "DEF", *ONE.mailboxes)]}), "queued", id="out"),
        pytest.param(Seen(bounced={"a"}), "bounced", id="bounce arrived"),
        pytest.param(Seen(held={"a": [Held("mx1 out", "GHI", "a@sender.example")]}), "bounced", id="bounce"),
    ],
)
def test_a_copy_that_is_somewhere_else_is_not_lost(found: Seen, counted: str) -> None:
    result = balance([letter("a", ONE)], found)

    assert getattr(result, counted) == 1
    assert not result.lost


def test_a_queue_that_holds_the_copy_for_another_mailbox_does_not_count() -> None:
    found = Seen(
        delivered={("a", "two@mailbox.example"): [1000.5]},
        held={"a": [Held("mx1 out", "ABC", "two@mailbox.example")]},
    )

    assert balance([letter("a", TWO)], found).lost == [("a", "two@post.example")]


def test_what_is_left_in_queues_is_listed() -> None:
    result = balance([letter("a", ONE)], Seen(held={"a": [Held("mx1 inbound", "ABC", ONE.alias)]}))

    assert result.left == ["mx1 inbound ABC a for one@alias.example"]
    assert result.well


def test_a_bounce_is_a_complaint_for_nobody_sent_what_deserves_one() -> None:
    assert balance([letter("a", ONE)], Seen(bounced={"a"})).complaints == ["1 copies bounced"]


def test_a_second_copy_without_a_cause_is_unexplained() -> None:
    result = balance([letter("a", ONE)], seen(a=[1000.5, 1001.0]))

    assert result.duplicated == 1
    assert result.unexplained == [("a", "one@mailbox.example")]
    assert not result.well


def test_an_answer_that_was_not_seen_explains_one_copy_and_no_more() -> None:
    attempts = (attempt(Stage.END, None), attempt())

    once = balance([letter("a", ONE, *attempts)], seen(a=[999.5, 1000.5]))
    twice = balance([letter("a", ONE, *attempts)], seen(a=[999.5, 1000.5, 1000.6]))

    assert once.well
    assert (once.duplicated, once.inside, once.unknown) == (1, 0, 1)
    assert not twice.well
    assert twice.inside == 1


def test_a_connection_that_was_lost_before_the_end_explains_nothing() -> None:
    attempts = (attempt(Stage.CONTENT, None), attempt())

    assert not balance([letter("a", ONE, *attempts)], seen(a=[1000.5, 1000.6])).well


def test_a_kill_explains_a_copy_of_what_was_under_way() -> None:
    result = balance([letter("a", ONE)], seen(a=[1000.05, 1060.0]), KILL)

    assert result.well
    assert (result.duplicated, result.inside, result.allowed) == (1, 1, 1)


@pytest.mark.parametrize(
    "kill",
    [
        pytest.param(Moment(1061.0, 1062.0, 60, "later"), id="after both had arrived"),
        pytest.param(Moment(900.0, 901.0, 60, "earlier"), id="before it was begun"),
        pytest.param(Moment(1000.1, 1000.2, 0, "graceful"), id="has nothing in hand"),
    ],
)
def test_a_kill_explains_nothing_else(kill: Moment) -> None:
    assert balance([letter("a", ONE)], seen(a=[1000.05, 1060.0]), kill).unexplained


def test_a_kill_explains_no_more_than_was_in_hand() -> None:
    letters = [letter("a", ONE), letter("b", ONE)]
    result = balance(letters, seen(a=[1000.5, 1060.0], b=[1000.5, 1060.0]), KILL)

    assert (result.inside, result.allowed) == (2, 1)
    assert not result.unexplained
    assert not result.well


def test_a_slot_has_all_copies_of_its_letter() -> None:
    times = [1000.5, 1060.0]
    found = Seen(delivered={("a", mailbox): times for mailbox in TWO.mailboxes})

    assert balance([letter("a", TWO)], found, KILL).well


def test_a_delivered_letter_in_quarantine_as_well_is_a_duplicate() -> None:
    found = seen(a=[1000.5])
    found.quarantined["a", "one@mailbox.example"] = 1

    assert balance([letter("a", ONE)], found).duplicated == 1


def test_a_refusal_is_a_complaint_and_no_copy_is_due() -> None:
    result = balance([letter("a", ONE, attempt(Stage.RCPT, 550)), letter("b", ONE)], seen(b=[1001.0]))

    assert (result.refused, result.copies) == (1, 1)
    assert not result.lost
    assert result.complaints == ["1 letters refused for good (5xx)"]


def test_what_was_deferred_to_the_end_must_not_arrive() -> None:
    deferred = letter("a", ONE, attempt(Stage.END, 451))

    assert balance([deferred, letter("b", ONE)], seen(b=[1001.0])).well
    assert balance([deferred, letter("b", ONE)], seen(a=[1001.0], b=[1001.0])).ghosts == ["a"]


def test_what_nobody_knows_may_arrive_or_not() -> None:
    unsure = letter("a", ONE, attempt(Stage.END, None))

    assert balance([unsure, letter("b", ONE)], seen(b=[1001.0])).well
    assert balance([unsure, letter("b", ONE)], seen(a=[1001.0], b=[1001.0])).well


def test_a_run_in_which_nothing_was_accepted_proves_nothing() -> None:
    assert not balance([letter("a", ONE, attempt(Stage.CONNECT, None))], Seen()).well


def test_a_report_says_everything() -> None:
    report = json.loads(json.dumps(balance([letter("a", ONE)], Seen()).as_json()))

    assert report["lost"] == [["a", "one@mailbox.example"]]
    assert report["well"] is False


def test_a_quantile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(100, 0, -1)]

    assert quantile(values, 0.5) == 50.0
    assert quantile(values, 0.99) == 99.0
    assert quantile([7.0], 0.99) == 7.0


def refused(*hosts: str) -> tuple[Attempt, ...]:
    return tuple(Attempt(host, 0.0, 1.0, Stage.RCPT, 451, "try again") for host in hosts)


@pytest.mark.parametrize(
    ("attempts", "count"),
    [
        pytest.param((attempt(),), 0, id="taken at once"),
        pytest.param((*refused("mx1"), attempt()), 0, id="taken by the second"),
        pytest.param((*refused("mx1", "mx2"), attempt()), 1, id="taken in the second round"),
        pytest.param(refused("mx1", "mx2"), 1, id="given up"),
        pytest.param((attempt(Stage.RCPT, 550),), 1, id="refused for good"),
    ],
)
def test_a_letter_is_refused_by_both_where_its_first_round_ends_without_one(
    attempts: tuple[Attempt, ...], count: int
) -> None:
    assert refused_by_both([letter("a", ONE, *attempts), letter("b", ONE)]) == count
