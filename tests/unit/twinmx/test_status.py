"""The status page: what it says, and that nothing a peer says can break it."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.twinmx.statuses import INCIDENT, QUIET, SILENT, host
from twinmx.status import words
from twinmx.status.page import render
from twinmx.status.standing import standing, tone
from twinmx.status.view import LOST, Act, Engine, Host, Limits, View

MAX_BYTES = 100_000
VOID = {"meta", "link", "br"}
ELEMENTS = {
    *("html", "head", "title", "style", "body", "header", "main", "section", "article", "div", "span"),
    *("figure", "figcaption", "h1", "h2", "p", "strong", "small", "ul", "ol", "li", "dl", "dt", "dd", "time"),
    *("table", "thead", "tbody", "tr", "th", "td", "svg", "path"),
}


class Reader(HTMLParser):
    """Notes what there is, and whether every element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def said(view: View) -> str:
    return " ".join(read(render(view)).text.split())


STRANGE = st.text() | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=y>', "\ud800", "\u202e"]
)
NUMBERS = st.floats() | st.integers().map(lambda number: number * 10**30).map(float)
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS | st.none()), max_size=20)
MAYBE = st.none() | NUMBERS
HOSTS = st.builds(
    Host,
    name=STRANGE,
    heard_seconds=MAYBE,
    phase=STRANGE,
    cause=STRANGE,
    since_seconds=MAYBE,
    well=st.none() | st.booleans(),
    bad=st.lists(STRANGE, max_size=30),
    suspect=st.lists(STRANGE, max_size=30),
    hold=STRANGE,
    recommends=st.lists(STRANGE, max_size=30),
    faults=st.dictionaries(STRANGE, STRANGE, max_size=9),
    forwarders=st.none() | st.tuples(st.integers(), st.integers()),
    inbound=POINTS,
    outbound=POINTS,
    canary=POINTS,
    engines=st.lists(st.builds(Engine, STRANGE, st.none() | st.booleans(), MAYBE, MAYBE, MAYBE), max_size=9),
    limits=st.none()
    | st.builds(Limits, st.none() | st.booleans(), MAYBE, st.lists(st.tuples(STRANGE, NUMBERS), max_size=9)),
)
ACTS = st.builds(Act, st.datetimes(timezones=st.just(UTC)), STRANGE, STRANGE, STRANGE, STRANGE, st.booleans())
VIEWS = st.builds(
    View,
    me=STRANGE,
    at=st.datetimes(timezones=st.just(UTC)),
    hosts=st.lists(HOSTS, max_size=3),
    mx=st.dictionaries(
        STRANGE, st.none() | st.lists(st.tuples(st.integers(), STRANGE), max_size=9), max_size=9
    ),
    acts=st.lists(ACTS, max_size=30),
    manual=st.booleans(),
    window_seconds=NUMBERS,
    pending_messages=MAYBE,
    delay_seconds=MAYBE,
)


@settings(max_examples=60, deadline=None)
@given(VIEWS)
def test_whatever_a_peer_says_is_text_on_a_small_page(view: View) -> None:
    page = render(view)

    found = read(page)
    assert len(page.encode()) < MAX_BYTES
    assert found.elements <= ELEMENTS | VOID
    assert not {name for name in found.attributes if name.startswith("on")} | (found.attributes & {"src"})


def test_a_peer_that_talks_without_end_is_cut_short() -> None:
    long = "<" * 100_000
    many = [long] * 1_000
    points = [(float(age % 3600), 10.0**300) for age in range(100_000)]
    faults = {f"{number}{long}": long for number in range(1_000)}
    peer = Host(
        long, 0, long, long, 1, False, many, many, long, many, faults, (10**5000, 1), None, points, points,
        points, [Engine(long)] * 1_000, Limits(None, 1e300, [(long, 1e300)] * 1_000),
    )  # fmt: skip
    acts = [Act(QUIET.at, long, long, long, long)] * 1_000

    page = render(View(long, QUIET.at, [QUIET.hosts[0], peer], {long: [(10**5000, long)] * 1_000}, acts))

    assert len(page.encode()) < MAX_BYTES


def test_a_quiet_pair_looks_quiet() -> None:
    text = said(QUIET)

    assert "✓ All exchangers are in service and well" in text
    assert "alias.example, shop.example 10 mx1 20 mx2" in text
    assert "✕" not in text
    assert "not the inventory's order" not in text


def test_an_incident_names_who_carries_the_mail_and_why() -> None:
    assert standing(INCIDENT).sentence == "mx2 alone carries the mail"
    text = said(INCIDENT)

    for part in (
        "mx1 is drained (canary, pending), not well",
        "The MX records of alias.example, shop.example are not the inventory's",
        "! left out for 7 min",
        "4 of 6",
        "7 lost",
        "each worker counts for itself",
        "not the inventory's order",
        "mx1: drain canary, pending by the agent, 5 min ago",
    ):
        assert part in text


@pytest.mark.parametrize("heard", [15.0, 847.0, math.inf, math.nan, None])
def test_a_silent_peer_is_never_well(heard: float | None) -> None:
    view = replace(QUIET, hosts=(QUIET.hosts[0], host("mx2", heard_seconds=heard)))

    assert tone(view, view.hosts[1]) == "bad"
    assert standing(view).sentence == "mx1 alone carries the mail"
    assert "mx2: not known, silent" in said(view)


def test_a_curve_that_ended_has_no_value_now() -> None:
    text = said(SILENT)

    assert f"mx1 3 4 mx2 {words.UNKNOWN} 5" in text


def test_a_rule_that_is_bad_just_now_makes_a_host_uneasy_and_no_more() -> None:
    uneasy = host("mx1", well=False, suspect=("deferrals",))
    view = replace(QUIET, hosts=(uneasy, QUIET.hosts[1]))

    assert tone(view, uneasy) == "warn"
    assert standing(view).sentence == "All exchangers are in service"
    assert standing(view).details == ["mx1 is uneasy (deferrals)"]


def test_a_host_that_was_not_judged_yet_is_not_called_well() -> None:
    view = replace(QUIET, hosts=(host("mx1", well=None), QUIET.hosts[1]))

    assert standing(view).tone == "warn"
    assert standing(view).details == ["mx1 is not judged yet"]


def test_nobody_in_service_is_said_first() -> None:
    drained = [host(name, phase="drained", well=False, bad=("disk",)) for name in ("mx1", "mx2")]

    assert standing(replace(QUIET, hosts=drained)).tone == "bad"
    assert "✕ No exchanger is in service and well" in said(replace(QUIET, hosts=drained))


@pytest.mark.parametrize("records", [None, ((10, "mx2"), (20, "mx1")), ((10, "mx1"),), ()])
def test_records_that_are_not_as_they_should_be_are_marked(
    records: tuple[tuple[int, str], ...] | None,
) -> None:
    view = replace(QUIET, mx={"alias.example": records})
    text = said(view)

    assert (standing(view).tone, len(standing(view).details)) == ("warn", 1)
    assert "alias.example" in standing(view).details[0]
    marked = "DNS does not answer" if records is None else "not the inventory's order"
    assert marked in text


def test_what_a_held_or_manual_agent_would_do_is_shown() -> None:
    held = host("mx1", hold="by anna: kernel update", recommends=("drain mx1: canary",))
    text = said(replace(QUIET, hosts=(held, QUIET.hosts[1]), manual=True))

    assert "Held by anna: kernel update" in text
    assert "Would drain mx1: canary" in text
    assert "only recommend" in text


def test_a_gap_in_the_figures_is_a_gap_in_the_curve() -> None:
    points = [(float(age), None if 600 < age < 1200 else 5.0) for age in range(3570, -1, -30)]
    page = render(replace(QUIET, hosts=(host("mx1", inbound=points),)))

    path = page.split('class="curve c0" d="')[1].partition('"')[0]
    assert path.count("M") == 2


def test_a_lost_message_is_no_height_but_a_mark() -> None:
    points = [(60.0, 0.5), (30.0, LOST), (0.0, 0.5)]
    page = render(replace(QUIET, hosts=(host("mx1", canary=points),)))

    assert page.count('class="lost c0"') == 1
    assert "0.5 s, 1 lost" in " ".join(read(page).text.split())


def test_the_threshold_is_drawn_when_the_curve_comes_near() -> None:
    near = host("mx1", canary=[(0.0, 70.0)])

    assert 'class="threshold"' in render(replace(QUIET, hosts=(near,)))
    assert 'class="threshold"' not in render(QUIET)


def test_times_are_in_utc_whatever_zone_they_come_in() -> None:
    at = datetime.fromisoformat("2026-03-14T11:26:53+02:00")

    assert "2026-03-14 09:26:53 UTC" in said(replace(QUIET, at=at))


def test_text_that_would_turn_the_line_round_or_break_the_page_is_masked() -> None:
    assert words.text("mx1\u202e\n\ud800!") == "mx1···!"
    assert words.text("x" * 200, 10) == "x" * 10 + "…"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, words.UNKNOWN), (math.nan, words.UNKNOWN), (math.inf, "ages"), (-1, "0 s"), (0, "0 s"),
        (0.000_1, "1 ms"), (0.025, "25 ms"), (0.1, "0.1 s"), (0.42, "0.4 s"), (3, "3 s"), (45, "45 s"),
        (119, "119 s"), (120, "2 min"), (3_599, "59 min"),
        (3_600, "1 h"), (11_100, "3 h 5 min"), (400_000, "4 days"),
    ],
)  # fmt: skip
def test_durations_are_as_people_say_them(seconds: float | None, shown: str) -> None:
    assert words.duration(seconds) == shown
