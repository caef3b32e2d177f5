"""`python -m tests.rolling`: change the lab pair under load, well and badly, and see what becomes of mail.

Nothing may be lost, repeated, or refused by both exchangers, and each bad change must be undone by itself:
then the exit status is 0. Reports are in build/rolling.
"""

import json
import sys
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lab.errors import LabError
from lab.ledger import Result
from lab.progress import console, note, step
from lab.settings import ROOT
from lab.traffic import Load
from tests.faults.drill import Case, carry_out
from tests.rolling.cases import CASES
from tests.rotation.__main__ import refused_by_both

REPORTS = ROOT / "build" / "rolling"
WIDTH = 110
COLUMNS = ("sent", "refused by both", "lost", "duplicated", "p99 s", "seconds")


def _carry_out(case: Case, load: Load) -> tuple[Result, int, float]:
    started = time.monotonic()
    carried = carry_out(case, load)
    both = refused_by_both(carried.letters)
    if both:
        carried.result.objections.append(f"{both} letters were refused by both exchangers at once")
    return carried.result, both, time.monotonic() - started


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Cases; all of them without one.")] = None,
    messages: Annotated[int, typer.Option(min=10, help="Letters for each.")] = 3000,
    rate: Annotated[float, typer.Option(min=1, max=50, help="Letters begun in a second.")] = 8.0,
    seed: Annotated[int, typer.Option(help="What everything random is drawn from.")] = 1,
) -> None:
    """Change the pair, and balance the ledger after each."""
    known = {case.name: case for case in CASES}
    if unknown := [name for name in names or [] if name not in known]:
        raise typer.BadParameter(f"{', '.join(unknown)}: no such case; there are: {', '.join(known)}")
    made = Table(title="Changes under load")
    for column in ("case", *COLUMNS):
        made.add_column(column, justify="left" if column == "case" else "right")
    REPORTS.mkdir(parents=True, exist_ok=True)
    well = True
    for name in names or known:
        try:
            with step(f"{name}: {known[name].says}"):
                result, both, seconds = _carry_out(known[name], Load(messages=messages, rate=rate, seed=seed))
        except LabError as error:
            console.print(f"✗ {name}: {error}", style="red", markup=False)
            well = False
            continue
        report = {**result.as_json(), "refused_by_both": both, "seconds": seconds}
        (REPORTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")
        p99 = f"{result.delays.p99:.1f}" if result.delays else "-"
        numbers = (result.sent, both, len(result.lost), result.duplicated, p99, f"{seconds:.0f}")
        made.add_row(name, *map(str, numbers), style="" if result.well else "red")
        for complaint in result.complaints:
            note(f"✗ {complaint}")
        well = well and result.well
    (console if console.is_terminal else Console(width=WIDTH)).print(made)
    if not well:
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
