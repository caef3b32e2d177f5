"""The reports of drills: complete, self-contained, safe with any text."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from drills import all_drills
from drills.lib.record import Check, Delay, Event, Record, Window
from drills.lib.report import markdown, place, png, table, write, write_index, write_pair
from drills.lib.report.palette import LIGHT
from drills.lib.report.words import linked
from tests.unit.drills.parsed import Page
from tests.unit.drills.recorded import STARTED, crowded, empty, record

HOSTILE = "<script>alert(1)</script> & \"x' $\\frac{1}{0}$ </style> --> {{ 7 * 7 }} \x00\n|"


@pytest.fixture(
    params=[
        pytest.param(record(), id="now"),
        pytest.param(record("then", worst=310), id="then"),
        pytest.param(empty(), id="empty"),
        pytest.param(crowded(), id="crowded"),
        pytest.param(replace(record(), windows=record().windows[:1], events=[]), id="one window"),
    ]
)
def any_record(request: pytest.FixtureRequest) -> Record:
    given: Record = request.param
    return given


def test_a_page_needs_nothing_but_itself(any_record: Record, tmp_path: Path) -> None:
    page = Page(write(any_record, tmp_path))
    assert not {"script", "link", "img", "image", "iframe", "object"} & {tag for tag, _ in page.elements}
    addresses = {
        value or ""
        for tag, attributes in page.elements
        for name, value in attributes.items()
        if name in {"src", "href"} and tag != "a"
    }
    assert all(address.startswith("#") for address in addresses)
    assert "@import" not in page.source
    assert "@font-face" not in page.source
    assert all(address.startswith("#") for address in re.findall(r"url\(([^)]*)", page.source))
    [policy] = [one["content"] for one in page.every("meta") if "http-equiv" in one]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_what_a_plot_refers_to_is_in_the_page_once(any_record: Record, tmp_path: Path) -> None:
    page = Page(write(any_record, tmp_path))
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    assert set(re.findall(r'(?:url\(#|href="#)([^")]+)', page.source)) <= set(identities)


def test_plots_have_the_colours_of_the_page(any_record: Record, tmp_path: Path) -> None:
    source = write(any_record, tmp_path).read_text()
    plots = "".join(re.findall(r"<svg.*?</svg>", source, re.DOTALL))
    assert not re.search(r"#[0-9a-f]{6}\b", plots)
    used = set(re.findall(r"var\(--([\w-]+)\)", source))
    assert used <= set(LIGHT)


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    given = record()
    given = replace(
        given,
        says=HOSTILE,
        replays=HOSTILE + 'https://example.org/"onmouseover="x',
        design=HOSTILE,
        commit=HOSTILE,
        events=[
            Event(5.0, "alert", "$\\frac{$ <b>&"),
            *(replace(event, says=HOSTILE + event.says, by=HOSTILE, cause=HOSTILE) for event in given.events),
        ],
        checks=[Check(HOSTILE, HOSTILE, False)],
        queues={HOSTILE: given.queues["mx1 inbound deferred"]},
        streams=[replace(given.streams[0], name=HOSTILE)],
    )
    given.save(place(given, tmp_path / "june-2021", ".json"))
    (tmp_path / "june-2021" / "<script>.json").write_text("{")
    pages = [
        write(given, tmp_path / "june-2021"),
        write_pair(given, replace(given, variant="then"), tmp_path / "june-2021"),
        write_index(tmp_path),
    ]
    for path in pages:
        page = Page(path)
        assert not page.every("script")
        assert not [one for _, one in page.elements if "onmouseover" in one]
        assert "<script>alert(1)</script>" in page.text
        assert "{{ 7 * 7 }}" in page.text


def test_a_failed_run_names_what_did_not_hold(tmp_path: Path) -> None:
    page = Page(write(record(worst=14), tmp_path))
    assert "Did not hold" in page.text
    assert "1 of 4 checks:" in page.text
    assert [one["class"] for one in page.every("header")] == ["bad"]


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (record(), "Held"),
        (replace(record(worst=310), checks=record().checks, variant="then"), "Replayed"),
        (empty(), "Not judged"),
    ],
)
def test_the_verdict(given: Record, verdict: str, tmp_path: Path) -> None:
    source = write(given, tmp_path).read_text()
    assert re.search(rf"<h1>.*</span> {verdict}</h1>", source)


def test_everything_there_is_to_know_is_on_the_page(tmp_path: Path) -> None:
    text = " ".join(Page(write(record(), tmp_path)).text.split())
    for part in (
        "make drill NAME=june-2021 VARIANT=now",
        "2026-11-23 05:15 UTC",
        "a35d4e7",
        "2 cores, load 0.74",
        "AccountLimited flood@post.example \u00d72",
        "+42.5",
        "forwarders: 0 of 6 ready",
        "postqueue -f on both exchangers, and again failed",
        "Always 0: mx1 spamassassin scanned.",
        "2 2 explained",
    ):
        assert part in text


def test_addresses_of_sources_are_links(tmp_path: Path) -> None:
    page = Page(write(record(), tmp_path))
    assert [one["href"] for one in page.every("a")] == ["https://simplelogin.io/blog/"]
    assert str(linked("(see https://a.example/b?c=d&e, or javascript:x)")) == (
        '(see <a href="https://a.example/b?c=d&amp;e" rel="noreferrer">https://a.example/b?c=d&amp;e</a>,'
        " or javascript:x)"
    )


def test_letters_that_never_arrived_are_told(tmp_path: Path) -> None:
    given = record()
    given.windows[20] = Window(40.0, 0.2, math.inf, math.inf)
    given.delays["fault"] = Delay(900, 0.2, math.inf, math.inf)
    given.delays["after"] = Delay(0, math.nan, math.nan, math.nan)
    page = Page(write(given, tmp_path))
    assert "letters never arrived" in page.text
    assert "| 0.16 / never | never |" in markdown([given])
    assert "inf" not in page.source
    assert "nan" not in page.source
    png(given, tmp_path / "endless.png")


def test_a_pair_says_how_many_times_worse_then_was(tmp_path: Path) -> None:
    path = write_pair(record(), record("then", worst=310), tmp_path)
    page = Page(path)
    assert path.name == "20261123T051500-pair.html"
    assert "775\u00d7" in page.text
    assert {"20261123T051500-now.html", "20261123T051500-then.html"} <= {
        one["href"] for one in page.every("a")
    }


def test_a_pair_of_empty_runs_is_a_page(tmp_path: Path) -> None:
    Page(write_pair(empty(), replace(empty(), variant="then"), tmp_path))


def test_the_index_lists_the_newest_first_and_names_what_it_skips(tmp_path: Path) -> None:
    for days, worst in ((2, 0.3), (1, 0.5), (0, 14.0)):
        given = replace(record(worst=worst), started=STARTED - 86_400 * days)
        given.save(place(given, tmp_path / given.drill, ".json"))
    write(given, tmp_path / given.drill)
    write_pair(given, record("then", worst=310), tmp_path / given.drill)
    whole = json.loads(place(given, tmp_path / given.drill, ".json").read_text())
    damaged = {
        "half": json.dumps(whole)[:900],
        "list": "[]",
        "foreign": '{"well": true}',
        "shape": json.dumps(whole | {"delays": [1]}),
        "type": json.dumps(whole | {"started": "yesterday"}),
        "far": json.dumps(whole | {"started": 1e300}),
        "phase": json.dumps(whole | {"delays": {"fault": {"count": 1}}}),
        "count": json.dumps(whole | {"streams": [dict.fromkeys(whole["streams"][0], "many")]}),
    }
    for name, text in damaged.items():
        (tmp_path / given.drill / f"{name}.json").write_text(text)
    (tmp_path / given.drill / "bytes.json").write_bytes(b"\xff\xfe")
    page = Page(write_index(tmp_path))
    days_shown = re.findall(r"2026-11-2\d", page.text)
    assert days_shown == ["2026-11-23", "2026-11-22", "2026-11-21"]
    assert "1 of 1 did not hold at their last run" in page.text
    assert all(f"{name}.json" in page.text for name in [*damaged, "bytes"])
    assert {one["href"] for one in page.every("a")} >= {
        "june-2021/20261123T051500-now.html",
        "june-2021/20261123T051500-pair.html",
    }
    assert "p99 0.30 → 14 s" in page.text
    assert len(page.every("path")) == 1


def test_the_index_of_nothing(tmp_path: Path) -> None:
    assert "No drill was run yet" in Page(write_index(tmp_path / "none")).text


def test_the_tables() -> None:
    runs = [record(), empty()]
    assert markdown(runs).splitlines()[2:] == [
        "| june-2021 | now | 0.16 / 0.40 | 0.52 | 31 | 42 | 12 | 3555 | 0 | 2 (0) |",
        "| kill-first | now, short | \u2013 / \u2013 | \u2013 | \u2013 | \u2013 | \u2013 | 0 | 0 | 0 (0) |",
    ]


def test_the_table_of_a_terminal_fits_into_80_columns() -> None:
    longest = replace(record(), drill=max(all_drills(), key=len))
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table([longest, replace(record(), variant="then"), empty()]))
    lines = [line.split() for line in captured.get().splitlines()[3:]]
    assert " ".join(lines[0]) == f"✓ {longest.drill} 0.16 0.40 0.52 31 42 12 3555 0 2"
    assert lines[1][:3] == ["✓", "june-2021", "then"]
    assert lines[2][0] == "?"
