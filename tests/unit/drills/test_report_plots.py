"""The plots in the reports of drills, and how values are put into words."""

import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.image import imread

from drills.lib.record import Event, Phases
from drills.lib.report import png, png_pair, write_pair
from drills.lib.report.frame import MOST_LANES, Frame, inches, labels
from drills.lib.report.palette import DARK, LIGHT
from drills.lib.report.shown import shown
from drills.lib.report.words import UNKNOWN, number, seconds, times
from tests.unit.drills.recorded import EVENTS, crowded, empty, record


def test_colours_are_as_many_in_the_dark_and_not_mixed_up() -> None:
    assert set(DARK) == set(LIGHT)
    assert len(set(LIGHT.values())) == len(LIGHT)


def test_a_pair_has_equal_axes(tmp_path: Path) -> None:
    source = write_pair(record(), record("then", worst=310), tmp_path).read_text()
    plots = re.findall(r"<svg.*?</svg>", source, re.DOTALL)
    assert len(plots) == 4
    for one, other in (plots[:2], plots[2:]):
        assert re.search('viewBox="[^"]*"', one)[0] == re.search('viewBox="[^"]*"', other)[0]  # type: ignore[index]
        assert _ticks(one) == _ticks(other)
    assert "100 s" in _ticks(plots[0])
    assert "6\u2009000" in _ticks(plots[2])


def _ticks(plot: str) -> list[str]:
    found = re.findall(r">([\d.\u2009\u2212]+(?: s)?)</text>", plot)
    assert len(found) > 6
    return found


def test_pngs_are_wide_and_on_white(tmp_path: Path) -> None:
    png(record(), tmp_path / "one.png")
    png_pair(record(), record("then", worst=310), tmp_path / "two.png")
    png(empty(), tmp_path / "none.png")
    for name in ("one", "two", "none"):
        picture = imread(tmp_path / f"{name}.png")
        assert picture.shape[1] >= 1500
        assert list(picture[2, 2]) == [1, 1, 1, 1]


@pytest.mark.parametrize("events", [EVENTS, crowded().events, crowded(60).events], ids=len)
def test_labels_touch_neither_one_another_nor_a_line(events: list[Event]) -> None:
    width, left, scale = 8.8, -60.0, 320 / 8.8
    placed = labels(events, left, scale, width)
    assert len(placed) >= min(8, len(events))
    assert max(label.lane for label in placed) < MOST_LANES
    boxes = []
    for label in placed:
        at, long = (label.at - left) / scale, inches(label.text)
        boxes.append(
            (label.lane, at, at - long if label.leftwards else at, at if label.leftwards else at + long)
        )
    for lane, at, begin, end in boxes:
        assert begin >= 0
        assert end <= width
        for other_lane, _, other_begin, other_end in boxes:
            if lane < other_lane:
                assert not other_begin < at < other_end
        same = [one for one in boxes if one[0] == lane and one[2] > begin]
        assert all(one[2] > end for one in same)


def test_an_event_that_comes_again_is_labelled_once() -> None:
    texts = [label.text for label in labels(EVENTS, -60.0, 36.0, 8.8)]
    assert [text for text in texts if text.startswith("AccountLimited")] == [
        "AccountLimited flood@post.example \u00d72"
    ]
    assert any(text.endswith(": failed") for text in texts)


def test_delays_that_differ_much_are_on_a_logarithmic_scale() -> None:
    assert not Frame.of(record(), width=8.8).log
    wide = Frame.of(record(), record("then", worst=310), width=8.8)
    assert wide.log
    assert wide.low < 0.06
    assert wide.high > 400
    none = Frame.of(replace(empty(), phases=Phases()), width=8.8)
    assert none.left < none.right
    assert none.low < none.high


def test_many_series_are_shown_as_few_whose_sum_is_the_same() -> None:
    given = crowded().queues
    few = shown(given)
    assert len(few.series) == 8
    assert few.highest == sum(range(1, 15))
    assert list(few.series)[-1] == "the other 7 together"


def test_series_without_a_finite_value_are_not_drawn() -> None:
    none = shown({"a": [], "b": [(0.0, 0.0)], "c": [(0.0, math.nan)]})
    assert none.series == {}
    assert none.zero == ["a", "b", "c"]
    assert none.highest == 0


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, UNKNOWN),
        (math.nan, UNKNOWN),
        (math.inf, "never"),
        (0.0, "0"),
        (0.213, "0.21"),
        (1.44, "1.4"),
        (312.4, "312"),
    ],
)
def test_seconds(given: float | None, text: str) -> None:
    assert seconds(given) == text


def test_counts_and_ratios() -> None:
    assert number(12_345) == "12\u2009345"
    assert number(2.5) == "2.5"
    assert times(310, 0.2) == "1\u2009550\u00d7"
    assert times(3, 2) == "1.5\u00d7"
    assert times(math.inf, 1) == "∞"
    assert times(1, 0) == times(None, 1) == times(1, None) == times(math.inf, math.inf) == UNKNOWN


def test_drills_are_read_without_matplotlib() -> None:
    asked = "import drills, drills.lib.record, sys; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", asked], check=True)
