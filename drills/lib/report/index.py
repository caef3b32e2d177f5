"""The index of all runs: what held at last, and whether the delays get worse from run to run."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from drills.lib.record import Record
from drills.lib.report import words
from drills.lib.report.frame import LOG_FROM
from drills.lib.report.page import render

MOST_RUNS = 20
"""So many runs of each drill are listed; as many of each variant make its trend."""

_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError)
_TYPES = TypeAdapter(Record)
_WIDTH, _HEIGHT, _LEAST_SECONDS = 120.0, 22.0, 0.01


@dataclass(frozen=True)
class Run:
    """A line of the index. page: where the report is, as a link; empty where there is none."""

    record: Record
    page: str
    p99: float | None

    @property
    def longest(self) -> float | None:
        """The longest delay of a bystander, in seconds."""
        return words.longest(self.record)


@dataclass(frozen=True)
class Trend:
    """p99 during the fault over the last runs of a variant, the oldest first.

    path: of a curve, as in SVG. end: the last point. says: the first and the last value.
    """

    variant: str
    path: str
    end: tuple[float, float] | None
    says: str


@dataclass(frozen=True)
class Drill:
    """All that the index says of a drill.

    runs: the newest first. pairs: the link to the newest page of a pair, if there is one.
    """

    name: str
    says: str
    runs: list[Run]
    trends: list[Trend]
    pairs: list[str]


def write_index(folder: Path) -> Path:
    """Write `folder`/index.html of all runs below `folder`; files that are no records are named there."""
    runs: dict[str, list[Run]] = {}
    damaged: list[str] = []
    for path in sorted(folder.glob("*/*.json")):
        try:
            runs.setdefault(path.parent.name, []).append(_run(path))
        except _DAMAGED as error:
            damaged.append(f"{path.parent.name}/{path.name} ({type(error).__name__})")
    drills = [_drill(folder / name, found) for name, found in runs.items()]
    drills.sort(key=lambda one: (-one.runs[0].record.started, one.name))
    last = [run for drill in drills for run in _latest(drill.runs)]
    page = render(
        "index.html.j2",
        title="All runs",
        drills=drills,
        held=sum(run.record.well for run in last),
        last=last,
        damaged=damaged,
        width=_WIDTH,
        height=_HEIGHT,
    )
    path = folder / "index.html"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def _run(path: Path) -> Run:
    record = Record.load_from(path)
    _TYPES.validate_python(asdict(record))
    words.moment(record.started)
    page = path.with_suffix(".html")
    link = f"{path.parent.name}/{page.name}" if page.exists() else ""
    return Run(record, link, words.of_phase(record, "fault", "p99"))


def _drill(folder: Path, runs: list[Run]) -> Drill:
    runs = sorted(runs, key=lambda run: -run.record.started)
    return Drill(
        folder.name,
        runs[0].record.says,
        runs[:MOST_RUNS],
        [
            _trend(variant, [run for run in runs if run.record.variant == variant][:MOST_RUNS])
            for variant in ("now", "then")
            if any(run.record.variant == variant for run in runs)
        ],
        sorted((f"{folder.name}/{path.name}" for path in folder.glob("*-pair.html")), reverse=True)[:1],
    )


def _latest(runs: Iterable[Run]) -> list[Run]:
    """The newest run of each variant."""
    newest: dict[str, Run] = {}
    for run in runs:
        newest.setdefault(run.record.variant, run)
    return list(newest.values())


def _trend(variant: str, runs: Sequence[Run]) -> Trend:
    values = [run.p99 for run in reversed(runs) if run.p99 is not None and math.isfinite(run.p99)]
    heights = _heights([max(value, _LEAST_SECONDS) for value in values])
    step = _WIDTH / max(1, len(heights) - 1)
    points = [(round(position * step, 1), height) for position, height in enumerate(heights)]
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points) if len(points) > 1 else ""
    says = " → ".join(words.seconds(value) for value in values[:1] + values[1:][-1:])
    return Trend(variant, path, points[-1] if points else None, says or words.UNKNOWN)


def _heights(values: list[float]) -> list[float]:
    """Where each value lies on the curve, from above; logarithmic where they differ much."""
    if not values:
        return []
    scaled = [math.log(value) for value in values] if max(values) / min(values) > LOG_FROM else values
    low, high = min(scaled), max(scaled)
    if high == low:
        return [_HEIGHT / 2] * len(values)
    return [round(_HEIGHT * (high - value) / (high - low), 1) for value in scaled]
