"""The last hour of a figure: peaks kept, gaps seen, memory bounded."""

import math

from hypothesis import given
from hypothesis import strategies as st

from twinmx.status.history import History

PERIOD, SECONDS = 30, 3600


def test_each_period_keeps_its_peak() -> None:
    history = History(PERIOD, SECONDS)
    for now, value in ((0, 1), (10, 9), (20, 2), (30, 3)):
        history.add(value, now)

    assert history.points(59) == [(29, 9), (0, 3)]


def test_a_period_without_a_value_is_a_gap() -> None:
    history = History(PERIOD, SECONDS)
    history.add(1, 0)
    history.add(math.nan, 35)
    history.add(2, 65)

    assert [value for _, value in history.points(65)] == [1, None, 2]


def test_what_is_older_than_an_hour_is_gone() -> None:
    history = History(PERIOD, SECONDS)
    history.add(1, 0)

    assert history.points(SECONDS) == [(SECONDS - PERIOD, 1)]
    assert history.points(SECONDS + PERIOD) == []


def test_a_value_after_a_day_of_silence_stands_alone() -> None:
    history = History(PERIOD, SECONDS)
    history.add(1, 0)
    history.add(2, 86_400)

    assert [value for _, value in history.points(86_400) if value is not None] == [2]


def test_a_lost_message_outweighs_a_delay() -> None:
    history = History(PERIOD, SECONDS)
    history.add(math.inf, 1)
    history.add(0.5, 2)

    assert history.points(2) == [(0, math.inf)]


@given(st.lists(st.tuples(st.floats(0, 10**6), st.floats(allow_nan=True)), max_size=300))
def test_it_is_bounded_and_in_order_and_loses_no_peak_of_the_hour(taken: list[tuple[float, float]]) -> None:
    history = History(PERIOD, SECONDS)
    now = 0.0
    values: list[tuple[float, float]] = []
    for ahead, value in taken:
        now += ahead % 500
        history.add(value, now)
        if not math.isnan(value):
            values.append((now, value))

    points = history.points(now)
    ages = [age for age, _ in points]
    assert len(points) <= SECONDS / PERIOD
    assert ages == sorted(ages, reverse=True)
    assert all(0 <= age < SECONDS for age in ages)
    recent = [value for at, value in values if at > now - SECONDS + PERIOD]
    if recent:
        assert max(value for _, value in points if value is not None) >= max(recent)
