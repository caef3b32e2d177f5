"""The plots: the bystanders' delay over time with what happened meanwhile, and the rates and queues below it.

All of them share the time axis, and their edges, so that they can be read one below the other.
"""

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.typing import RcKeyType

from drills.lib.record import WINDOW_SECONDS, Record, Series
from drills.lib.report import words
from drills.lib.report.frame import LABEL_POINTS, Frame, Label, inches, labels
from drills.lib.report.palette import CURVES, LIGHT
from drills.lib.report.svg import inline

WIDE, HALF = 9.6, 4.9
"""Inches: the width of a plot by itself, and of one of two."""

_LEFT, _RIGHT = 0.62, 0.14
_ABOVE, _LANE, _MARKS, _BAND, _DELAY, _BELOW = 0.1, 0.17, 0.2, 0.2, 2.5, 0.52
_SERIES, _UNDER, _TITLE = 1.5, 0.42, 0.3
_DOTS_IN_INCH = 160
_STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "text.parse_math": False,
    "text.color": LIGHT["ink"],
    "axes.edgecolor": LIGHT["line"],
    "axes.labelcolor": LIGHT["soft"],
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LIGHT["line"],
    "grid.linewidth": 0.6,
    "xtick.color": LIGHT["line"],
    "ytick.color": LIGHT["line"],
    "xtick.labelcolor": LIGHT["soft"],
    "ytick.labelcolor": LIGHT["soft"],
    "legend.frameon": False,
}
_MARKERS = {"alert": ("v", "bad"), "act": ("D", "c0"), "step": ("s", "c2")}


def inner(width: float) -> float:
    """Inches of the axes themselves in a plot `width` inches wide."""
    return width - _LEFT - _RIGHT


def delay(record: Record, frame: Frame, name: str, width: float = WIDE) -> Markup:
    """The delay plot, for a page that has no other plot called `name`."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(width, _height(frame)))
        _delay(figure, record, frame, 0.0, width)
        return inline(figure, name, f"Delay of bystanders over time, {record.drill}, {record.variant}")


def png(record: Record, path: Path) -> None:
    """The delay plot as a PNG on white, made to be shown 900 pixels wide."""
    _save_png([record], Frame.of(record, width=inner(WIDE)), WIDE, path)


def png_pair(now: Record, then: Record, path: Path) -> None:
    """The delay plots of both variants beside each other, with the same axes, as a PNG on white."""
    _save_png([then, now], Frame.of(then, now, width=inner(HALF)), HALF, path)


def series(
    given: Mapping[str, Series],
    record: Record,
    frame: Frame,
    name: str,
    unit: str,
    *,
    stacked: bool = False,
    high: float | None = None,
    width: float = WIDE,
) -> Markup:
    """A plot of `given`, of at most CURVES series, in the colours c0 to c7 in their order.

    stacked: as areas on top of one another. high: the end of the scale, in `unit`.
    """
    with rc_context(_STYLE):
        figure = Figure(figsize=(width, _UNDER + _SERIES + _ABOVE))
        axes = _axes(figure, 0.0, width, _UNDER, _SERIES)
        colours = [LIGHT[f"c{position % CURVES}"] for position in range(len(given))]
        _shade(axes, record, frame)
        _event_lines(axes, _labels(record, frame, width))
        if stacked:
            grid = moments(given)
            axes.stackplot(
                grid, [at_moments(points, grid) for points in given.values()], colors=colours, alpha=0.75
            )
        else:
            for points, colour in zip(given.values(), colours, strict=True):
                axes.plot([at for at, _ in points], [value for _, value in points], color=colour, lw=1.4)
        axes.set_xlim(frame.left, frame.right)
        axes.set_ylim(0, high or max(1.0, axes.get_ylim()[1]))
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=stacked))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value)))
        axes.set_ylabel(unit)
        axes.yaxis.set_label_coords(-0.5 / inner(width), 0.5)
        axes.set_xlabel("seconds since the fault began", loc="right", fontsize=LABEL_POINTS)
        return inline(figure, name, f"{name}: {unit} over time")


def moments(given: Mapping[str, Series]) -> list[float]:
    """All moments of all series, each once."""
    return sorted({at for points in given.values() for at, _ in points})


def at_moments(points: Series, grid: list[float]) -> list[float]:
    """The values of a series at the moments `grid`, in a straight line between two points."""
    return [float(one) for one in np.interp(grid, [at for at, _ in points], [value for _, value in points])]


def _save_png(records: list[Record], frame: Frame, width: float, path: Path) -> None:
    with rc_context(_STYLE):
        figure = Figure(figsize=(width * len(records), _height(frame) + _TITLE), facecolor=LIGHT["card"])
        for position, record in enumerate(records):
            _delay(figure, record, frame, position * width, width)
            figure.text(
                (position * width + _LEFT) / (width * len(records)),
                1 - 0.22 / (_height(frame) + _TITLE),
                f"{record.drill}, {record.variant}",
                fontweight="bold",
                fontsize=11,
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=_DOTS_IN_INCH, metadata={"Software": None}, pil_kwargs={"optimize": True})


def _height(frame: Frame) -> float:
    return _BELOW + _DELAY + _BAND + _MARKS + frame.lanes * _LANE + _ABOVE


def _axes(figure: Figure, left: float, width: float, bottom: float, height: float) -> Axes:
    """Axes in a part of the figure that begins `left` and is `width` wide; all in inches."""
    whole_width, whole_height = figure.get_size_inches()
    return figure.add_axes(
        (
            (left + _LEFT) / whole_width,
            bottom / whole_height,
            inner(width) / whole_width,
            height / whole_height,
        )
    )


def _delay(figure: Figure, record: Record, frame: Frame, left: float, width: float) -> None:
    given = _labels(record, frame, width)
    axes = _axes(figure, left, width, _BELOW, _DELAY)
    _shade(axes, record, frame)
    _event_lines(axes, given)
    _curves(axes, record, frame)
    axes.set_xlim(frame.left, frame.right)
    if frame.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(10))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(frame.low, frame.high)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))
    axes.set_xlabel("seconds since the fault began", loc="right", fontsize=LABEL_POINTS)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.085),
        ncols=3,
        columnspacing=1.2,
        handlelength=1.4,
        fontsize=LABEL_POINTS,
    )
    _band(_axes(figure, left, width, _BELOW + _DELAY, _BAND), record, frame, inner(width))
    marks = _MARKS + frame.lanes * _LANE
    _events(_axes(figure, left, width, _BELOW + _DELAY + _BAND, marks), record, frame, given)


def _curves(axes: Axes, record: Record, frame: Frame) -> None:
    windows = [one for one in record.windows if math.isfinite(one.at)]
    begins = [one.at for one in windows]
    length = min((b - a for a, b in itertools.pairwise(begins) if b > a), default=WINDOW_SECONDS)
    gaps = [following - at > 1.5 * length for at, following in itertools.pairwise([*begins, math.inf])]
    for what, colour, line in (("longest", "c1", ":"), ("p99", "c0", "-"), ("p50", "c3", "-")):
        at: list[float] = []
        values: list[float] = []
        for window, gap in zip(windows, gaps, strict=True):
            value = min(max(getattr(window, what), frame.low), frame.high)
            end = min(window.at + length, frame.right)
            at += [window.at, end] + [end] * gap
            values += [value, value] + [math.nan] * gap
        axes.plot(at, values, color=LIGHT[colour], linestyle=line, lw=1.6, label=what, clip_on=False)


def _shade(axes: Axes, record: Record, frame: Frame) -> None:
    for _, begin, end, colour in _phases(record, frame):
        if colour != "unknown":
            axes.axvspan(begin, end, color=LIGHT[colour], alpha=0.09, lw=0)


def _event_lines(axes: Axes, given: list[Label]) -> None:
    for label in given:
        colour = LIGHT[_MARKERS[label.kind][1]]
        axes.axvline(label.at, color=colour, lw=0.7, alpha=0.5, linestyle=(0, (2, 2)))


def _labels(record: Record, frame: Frame, width: float) -> list[Label]:
    return labels(record.events, frame.left, (frame.right - frame.left) / inner(width), inner(width))


def _phases(record: Record, frame: Frame) -> list[tuple[str, float, float, str]]:
    """Name, begin, end and colour of the phases that took any time."""
    phases = record.phases
    all_of_them = [
        ("before", frame.left, 0.0, "unknown"),
        ("fault", 0.0, phases.ended, "bad"),
        ("converge", phases.ended, phases.recovered, "warn"),
        ("after", phases.recovered, phases.last, "unknown"),
    ]
    return [one for one in all_of_them if one[2] > one[1]]


def _band(axes: Axes, record: Record, frame: Frame, width: float) -> None:
    """The names of the phases; what is too short for its name has only its colour."""
    _bare(axes, frame)
    for name, begin, end, colour in _phases(record, frame):
        axes.axvspan(begin, end, color=LIGHT[colour], alpha=0.28, lw=0)
        if inches(name) < width * (end - begin) / (frame.right - frame.left):
            axes.text((begin + end) / 2, 0.5, name, ha="center", va="center_baseline", fontsize=LABEL_POINTS)


def _events(axes: Axes, record: Record, frame: Frame, given: list[Label]) -> None:
    """A mark for each event, and the labels that find room above the marks."""
    _bare(axes, frame)
    height = _MARKS + frame.lanes * _LANE
    axes.set_ylim(0, height)
    for event in record.events:
        marker, colour = _MARKERS[event.kind]
        axes.plot([event.at], [_MARKS / 2], marker=marker, color=LIGHT[colour], ms=5, clip_on=False, lw=0)
    for label in given:
        colour = LIGHT[_MARKERS[label.kind][1]]
        y = height - (label.lane + 0.5) * _LANE
        axes.plot([label.at, label.at], [_MARKS / 2, y], color=colour, lw=0.8)
        axes.annotate(
            label.text,
            (label.at, y),
            xytext=(-3 if label.leftwards else 3, 0),
            textcoords="offset points",
            ha="right" if label.leftwards else "left",
            va="center_baseline",
            fontsize=LABEL_POINTS,
        )


def _bare(axes: Axes, frame: Frame) -> None:
    axes.set_axis_off()
    axes.set_xlim(frame.left, frame.right)
    axes.set_ylim(0, 1)
