"""Carry out cases in which somebody changes the pair under load, and print what became of the mail.

What the tables of tests/rolling, tests/rotation and tests/recovery have in common: nothing may be lost,
repeated, or refused by both exchangers; one case that breaks down does not stop the others; the exit status
tells.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from lab.errors import LabError
from lab.ledger import Result
from lab.progress import console, note, step
from lab.settings import LAB
from lab.traffic import Load, Sent
from tests.faults.drill import Case, carry_out

WIDTH = 110
COLUMNS = ("sent", "refused by both", "lost", "duplicated", "p99 s", "seconds")


def refused_by_both(letters: list[Sent]) -> int:
    """Letters whose first round, one attempt at each exchanger, ended without an acceptance."""
    return sum(not any(one.accepted for one in sent.attempts[: len(LAB.hosts)]) for sent in letters)


def _carry_out(case: Case, load: Load) -> tuple[Result, int, float]:
    started = time.monotonic()
    carried = carry_out(case, load)
    both = refused_by_both(carried.letters)
    if both:
        carried.result.objections.append(f"{both} letters were refused by both exchangers at once")
    return carried.result, both, time.monotonic() - started


def _row(result: Result, both: int, seconds: float) -> list[str]:
    p99 = f"{result.delays.p99:.1f}" if result.delays else "-"
    numbers = (result.sent, both, len(result.lost), result.duplicated, p99, f"{seconds:.0f}")
    return [str(number) for number in numbers]


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
    known = {case.name: case for case in cases}
    if unknown := [name for name in names if name not in known]:
        raise typer.BadParameter(f"{', '.join(unknown)}: no such case; there are: {', '.join(known)}")
    made = Table(title=title)
    for column in (first, *COLUMNS):
        made.add_column(column, justify="left" if column == first else "right")
    reports.mkdir(parents=True, exist_ok=True)
    well = True
    for name in names or known:
        try:
            with around(), step(f"{name}: {known[name].says}"):
                result, both, seconds = _carry_out(known[name], load)
        except LabError as error:
            console.print(f"✗ {name}: {error}", style="red", markup=False)
            well = False
            continue
        report = {**result.as_json(), "refused_by_both": both, "seconds": seconds}
        (reports / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")
        made.add_row(name, *_row(result, both, seconds), style="" if result.well else "red")
        for complaint in result.complaints:
            note(f"✗ {complaint}")
        well = well and result.well
    (console if console.is_terminal else Console(width=WIDTH)).print(made)
    if not well:
        sys.exit(1)
