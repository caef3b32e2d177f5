"""The pages: of one run, and of both variants of a drill beside each other.

A page is read in a review, on a phone, or on paper the day after, without the machine it was made on. It has
no scripts and loads nothing, and its own policy (CSP) says so to the browser. Whatever a record says passes
Jinja2's escaping.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from drills.lib.record import Record, Series
from drills.lib.report import palette, plots, words
from drills.lib.report.frame import Frame
from drills.lib.report.place import place
from drills.lib.report.shown import Shown, shown
from drills.lib.report.table import markdown

PHASES = ("before", "fault", "after")

_HERE = Path(__file__).parent
_STYLE = palette.variables() + (_HERE / "style.css").read_text(encoding="utf-8")
_environment = Environment(
    loader=FileSystemLoader(_HERE),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals.update(
    style=Markup(_STYLE),  # noqa: S704 (our own file)
    policy="default-src 'none'; style-src 'unsafe-inline'",
    phases=PHASES,
    number=words.number,
    seconds=words.seconds,
    linked=words.linked,
    moment=words.moment,
    symbols=words.SYMBOLS,
    tone=words.tone,
    verdict=words.verdict,
    unexplained=words.unexplained,
    refused=words.refused,
)


@dataclass(frozen=True)
class Entry:
    """A line of a legend: label, colour, highest and last value."""

    label: str
    colour: str
    highest: str
    last: str


@dataclass(frozen=True)
class Chart:
    """A plot of series with its legend. zero: labels of what stayed at 0, in one text."""

    title: str
    plot: Markup | None
    legend: list[Entry]
    zero: str


def render(template: str, **values: Any) -> str:
    """The page that a template of this folder makes of `values`."""
    return _environment.get_template(template).render(**values)


def write(record: Record, folder: Path) -> Path:
    """Write the page of `record` into `folder`, that of its drill, and return where it is."""
    frame = Frame.of(record, width=plots.inner(plots.WIDE))
    charts = [
        _chart("Queues", "messages", record.queues, record, frame, stacked=True),
        _chart("Answers to senders", "letters a second", record.answers, record, frame),
        _chart("Spam engines", "scans a second", record.engines, record, frame),
    ]
    page = render(
        "page.html.j2",
        title=f"{words.verdict(record)}: {record.drill}, {record.variant}",
        record=record,
        delay=plots.delay(record, frame, "delay") if record.windows or record.events else None,
        endless=any(math.isinf(window.longest) for window in record.windows),
        charts=charts,
        markdown=markdown([record]),
    )
    return _written(page, place(record, folder, ".html"))


def write_pair(now: Record, then: Record, folder: Path) -> Path:
    """Write the page that compares both variants into `folder`, that of the drill, and return where it is."""
    frame = Frame.of(now, then, width=plots.inner(plots.HALF))
    queues = {record.variant: shown(record.queues) for record in (now, then)}
    high = max(one.highest for one in queues.values()) * 1.05
    page = render(
        "pair.html.j2",
        title=f"{now.drill}: then and now",
        now=now,
        then=then,
        sides=[
            {
                "record": record,
                "page": place(record, folder, ".html").name,
                "delay": plots.delay(record, frame, f"delay {record.variant}", plots.HALF),
                "queues": _drawn_pair(queues[record.variant], record, frame, high),
            }
            for record in (then, now)
        ],
        ratios=_ratios(now, then),
        markdown=markdown([then, now]),
    )
    return _written(page, place(now, folder, ".html", "pair"))


def _drawn_pair(queues: Shown, record: Record, frame: Frame, high: float) -> Chart:
    return _drawn(
        "Queues",
        f"queues {record.variant}",
        "messages",
        queues,
        record,
        frame,
        stacked=True,
        high=high,
        width=plots.HALF,
    )


def _ratios(now: Record, then: Record) -> list[tuple[str, str, str, str]]:
    """What is compared, its value then and now, and how many times it was then."""
    rows = [
        ("p99 during the fault", words.of_phase(then, "fault", "p99"), words.of_phase(now, "fault", "p99")),
        ("longest delay", words.longest(then), words.longest(now)),
    ]
    return [(name, words.seconds(old), words.seconds(new), words.times(old, new)) for name, old, new in rows]


def _chart(
    title: str, unit: str, given: Mapping[str, Series], record: Record, frame: Frame, *, stacked: bool = False
) -> Chart:
    return _drawn(title, title, unit, shown(given), record, frame, stacked=stacked)


def _drawn(title: str, name: str, unit: str, given: Shown, record: Record, frame: Frame, **how: Any) -> Chart:
    plot = plots.series(given.series, record, frame, name, unit, **how) if given.series else None
    legend = [
        Entry(
            label,
            f"c{position % palette.CURVES}",
            words.number(max(value for _, value in points)),
            words.number(points[-1][1]),
        )
        for position, (label, points) in enumerate(given.series.items())
    ]
    return Chart(title, plot, legend, ", ".join(given.zero))


def _written(page: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path
