"""Carry out cases in which somebody changes the pair under load, and print what became of the mail.

What the tables of tests/rolling, tests/rotation and tests/recovery have in common: nothing may be lost,
repeated, or refused by both exchangers; one case that breaks down does not stop the others; the exit status
tells.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lab.ledger import Result, refused_by_both
from lab.progress import console
from lab.traffic import Load
from tests import casebook
from tests.faults.drill import Case, carry_out

WIDTH = 110
COLUMNS = ("sent", "refused by both", "lost", "duplicated", "p99 s", "seconds")


@dataclass
class Changed:
    """What a case came to: its ledger, letters that both exchangers refused, and how long it took."""

    result: Result
    refused_by_both: int
    seconds: float

    @property
    def complaints(self) -> list[str]:
        """What was not as it must be, a sentence each."""
        return self.result.complaints

    @property
    def well(self) -> bool:
        """Whether everything was as it must be."""
        return self.result.well

    def as_json(self) -> dict[str, Any]:
        """Everything, for a report."""
        return {
            **self.result.as_json(),
            "refused_by_both": self.refused_by_both,
            "seconds": self.seconds,
        }


def _changed(case: Case, load: Load) -> Changed:
    started = time.monotonic()
    carried = carry_out(case, load)
    both = refused_by_both(carried.letters)
    if both:
        carried.result.objections.append(f"{both} letters were refused by both exchangers at once")
    return Changed(carried.result, both, time.monotonic() - started)


def _row(changed: Changed) -> list[str]:
    result = changed.result
    p99 = f"{result.delays.p99:.1f}" if result.delays else "-"
    numbers = (result.sent, changed.refused_by_both, len(result.lost), result.duplicated)
    return [*map(str, numbers), p99, f"{changed.seconds:.0f}"]


def carry_out_all(
    names: Sequence[str],
    cases: Sequence[Case],
    load: Load,
    *,
    title: str,
    first: str,
    reports: Path,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> None:
    """Carry out the cases of these names, or all; a file each in `reports`, and a table.

    first: what its first column is called. around: what each case is done in. Leaves with 1 unless all was
    well.
    """

    def run(case: Case) -> Changed:
        with around():
            return _changed(case, load)

    def table(outcomes: Sequence[Changed], skipped: dict[str, str]) -> Table:
        made = Table(title=title)
        for column in (first, *COLUMNS):
            made.add_column(column, justify="left" if column == first else "right")
        for outcome in outcomes:
            made.add_row(outcome.result.name, *_row(outcome), style="" if outcome.well else "red")
        for name, why in skipped.items():
            made.add_row(name, why, style="dim")
        return made

    shown = console if console.is_terminal else Console(width=WIDTH)
    casebook.carry_out(casebook.chosen(names, cases, "case"), run, table, reports, shown)
