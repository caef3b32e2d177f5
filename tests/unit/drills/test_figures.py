"""A delay counts from when a letter was due to when it is in the mailbox; what is nowhere takes for ever."""

import math

import pytest

from drills.lib import figures
from drills.lib.figures import Copy
from drills.lib.record import Window
from lab.ledger import Seen
from lab.traffic import Sent
from lab.traffic_session import Stage
from tests.unit.drills.made import BEGUN, TWO, arrived, attempt, letter


def seconds(sent: Sent, seen: Seen) -> list[float]:
    return [one.seconds for one in figures.copies([sent], seen)]


def test_a_delay_begins_when_the_letter_was_due_not_with_its_first_attempt() -> None:
    waited_for_a_connection = letter("a", 10, attempt(55))

    assert seconds(waited_for_a_connection, Seen({("a", "one@mailbox.example"): [BEGUN + 56]})) == [46.0]


def test_a_delay_counts_its_sender_s_own_waiting_between_attempts() -> None:
    put_off = letter("a", 0, attempt(1, code=451), attempt(61))

    assert seconds(put_off, arrived([put_off], 62)) == [62.0]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(letter("a", 0, attempt(1)), id="accepted"),
        pytest.param(letter("a", 0, attempt(1, code=451)), id="given up by its sender"),
        pytest.param(letter("a", 0, attempt(1, code=None, stage=Stage.CONNECT)), id="nobody answered"),
    ],
)
def test_a_copy_that_has_not_arrived_takes_for_ever(sent: Sent) -> None:
    assert seconds(sent, Seen()) == [math.inf]


def test_each_mailbox_is_due_a_copy_of_its_own() -> None:
    sent = letter("a", 0, attempt(1), address=TWO)

    assert seconds(sent, Seen({("a", "two@post.example"): [BEGUN + 2]})) == [math.inf, 2.0]


def test_the_first_of_several_copies_counts() -> None:
    sent = letter("a", 0, attempt(1))

    assert seconds(sent, Seen({("a", "one@mailbox.example"): [BEGUN + 300, BEGUN + 2]})) == [2.0]


def test_a_mailbox_s_coarser_clock_makes_no_delay_negative() -> None:
    sent = letter("a", 0, attempt(0))

    assert seconds(sent, arrived([sent], -0.004)) == [0.0]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(letter("a", 0, attempt(1, code=550, stage=Stage.RCPT)), id="refused for good"),
        pytest.param(letter("a", 0), id="not tried yet"),
    ],
)
def test_of_some_letters_no_copy_is_due(sent: Sent) -> None:
    assert figures.copies([sent], Seen()) == []


def test_what_is_nowhere_is_in_the_quantiles() -> None:
    one_of_hundred = figures.delay([0.1] * 99 + [math.inf])
    two_of_hundred = figures.delay([0.1] * 98 + [math.inf] * 2)

    assert (one_of_hundred.count, one_of_hundred.p50, one_of_hundred.p99) == (100, 0.1, 0.1)
    assert one_of_hundred.longest == math.inf
    assert two_of_hundred.p99 == math.inf


def test_the_delay_of_nothing_is_no_number() -> None:
    nothing = figures.delay([])

    assert nothing.count == 0
    assert math.isnan(nothing.p50)
    assert math.isnan(nothing.p99)
    assert math.isnan(nothing.longest)


@pytest.mark.parametrize(
    ("due", "took", "phase"),
    [
        pytest.param(-10.0, 9.9, "before", id="arrived before"),
        pytest.param(-0.5, 0.5, "before", id="arrived with the begin"),
        pytest.param(-0.5, 40.0, "fault", id="met under way"),
        pytest.param(-50.0, math.inf, "fault", id="never arrived"),
        pytest.param(0.0, 0.1, "fault", id="due at the begin"),
        pytest.param(99.9, 40.0, "fault", id="due in it, and after it in the mailbox"),
        pytest.param(100.0, 0.1, "after", id="due at the end"),
    ],
)
def test_a_delay_belongs_to_the_phase_that_made_it(due: float, took: float, phase: str) -> None:
    found = figures.by_phase([Copy(BEGUN + due, took)], BEGUN, BEGUN + 100)

    assert found == {"before": [], "fault": [], "after": []} | {phase: [took]}


def test_windows_are_counted_from_the_begin_of_the_fault() -> None:
    of = [
        Copy(BEGUN + at, took) for at, took in [(-5.5, 1.0), (-0.1, 2.0), (0.0, 3.0), (4.9, 4.0), (5.0, 9.0)]
    ]

    found = figures.windows(of, BEGUN, BEGUN - 7, BEGUN + 20)

    assert [(one.at, one.p50, one.longest) for one in found] == [
        (-10.0, 1.0, 1.0),
        (-5.0, 2.0, 2.0),
        (0.0, 3.0, 4.0),
        (5.0, 9.0, 9.0),
    ]


def test_a_window_without_letters_is_left_out() -> None:
    found = figures.windows([Copy(BEGUN, 1.0), Copy(BEGUN + 12, 1.0)], BEGUN, BEGUN, BEGUN + 30)

    assert [one.at for one in found] == [0.0, 10.0]


def test_the_windows_have_every_letter_once() -> None:
    of = [Copy(BEGUN - 20 + number * 0.7, float(number)) for number in range(100)]

    found = figures.windows(of, BEGUN, BEGUN - 20, BEGUN + 51)

    assert [one.at for one in found] == [float(at) for at in range(-20, 50, 5)]
    assert found[0].longest == 7.0
    assert found[-1].longest == 99.0
    assert [one.longest for one in found] == sorted(one.longest for one in found)


def p99s(*values: float, first: float = 0.0) -> list[Window]:
    return [Window(first + number * 5, 0.1, p99, p99) for number, p99 in enumerate(values)]


@pytest.mark.parametrize(
    ("of", "after"),
    [
        pytest.param(p99s(0.1, 0.1, 0.1), 0.0, id="always quick"),
        pytest.param(p99s(0.1, 4.99), 0.0, id="slower, and quick"),
        pytest.param(p99s(0.1, 5.0, 0.1), 10.0, id="as slow as it must not be"),
        pytest.param(p99s(9.0, 0.1, 9.0, 0.1), 15.0, id="quick between"),
        pytest.param(p99s(9.0, 0.1, 0.1, first=-10.0), 0.0, id="slow before the fault"),
        pytest.param(p99s(0.1, 9.0), None, id="slow at the end"),
        pytest.param(p99s(0.1, math.inf), None, id="never arrived"),
        pytest.param([*p99s(9.0), *p99s(0.1, first=40.0)], 5.0, id="no letters between"),
    ],
)
def test_mail_is_recovered_when_it_stays_quick(of: list[Window], after: float | None) -> None:
    assert figures.recovery(of, 300.0) == after


def test_answers_are_counted_by_kind_and_exchanger_when_they_came() -> None:
    told = [
        letter("a", 0, attempt(-1, code=None, stage=Stage.CONNECT), attempt(1, "mx2")),
        letter("b", 0, attempt(2, code=451, stage=Stage.RCPT), attempt(5.05)),
        letter("c", 0, attempt(3, "mx2", 550, stage=Stage.RCPT)),
        letter("d", 0, attempt(4, "mx2"), attempt(40)),
    ]

    found = figures.answers(told, BEGUN, BEGUN - 5, BEGUN + 10)

    assert found == {
        "accepted by mx1": [(-5.0, 0.0), (0.0, 0.0), (5.0, 0.2)],
        "accepted by mx2": [(-5.0, 0.0), (0.0, 0.4), (5.0, 0.0)],
        "no answer from mx1": [(-5.0, 0.2), (0.0, 0.0), (5.0, 0.0)],
        "put off (451)": [(-5.0, 0.0), (0.0, 0.2), (5.0, 0.0)],
        "refused (550)": [(-5.0, 0.0), (0.0, 0.2), (5.0, 0.0)],
    }


def test_an_answer_250_before_the_end_is_no_acceptance() -> None:
    broken_off = letter("a", 0, attempt(1, code=None, stage=Stage.CONTENT))

    assert list(figures.answers([broken_off], BEGUN, BEGUN, BEGUN + 5)) == ["no answer from mx1"]


def taken(*hosts: str) -> list[Sent]:
    """In each window of five seconds what is named, as "112": two letters by mx1, one by mx2."""
    return [
        letter(f"{number}-{which}", 0, attempt(number * 5 + 1, f"mx{host}"))
        for number, window in enumerate(hosts)
        for which, host in enumerate(window)
    ]


@pytest.mark.parametrize(
    ("hosts", "after"),
    [
        pytest.param(["112", "122", "222"], 5.0, id="from the second window on"),
        pytest.param(["222", "222", "222"], 0.0, id="at once"),
        pytest.param(["222", "112", "222"], 10.0, id="and back, and again"),
        pytest.param(["222", "12", "222"], 10.0, id="as many is not more"),
        pytest.param(["222", "", "222"], 10.0, id="nothing at all is not more"),
        pytest.param(["222", "222", "111"], None, id="not to the end"),
        pytest.param(["111", "111", "111"], None, id="never"),
    ],
)
def test_the_last_exchanger_has_taken_over_once_it_stays_so(hosts: list[str], after: float | None) -> None:
    assert figures.taken_over(taken(*hosts), BEGUN, BEGUN + 15) == after


def test_what_was_put_off_is_not_taken_over() -> None:
    put_off = [letter(f"{number}", 0, attempt(1, "mx2", 451)) for number in range(5)]

    assert figures.taken_over([*put_off, *taken("1")], BEGUN, BEGUN + 5) is None


def test_a_fault_shorter_than_a_window_shows_no_one_taking_over() -> None:
    assert figures.taken_over(taken("2"), BEGUN, BEGUN + 4) is None
