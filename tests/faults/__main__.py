"""`python -m tests.faults`: inject every fault into the lab under load, and print what became of the mail.

The exit status is 0 when nothing was lost, refused or repeated beyond what was in hand.
"""

from typing import Annotated

import typer
from rich.console import Console

from lab.ledger import Result
from lab.progress import console
from lab.settings import LAB, ROOT
from lab.traffic import Load
from tests import casebook
from tests.faults.cases import CASES, CORE
from tests.faults.drill import Case, run
from tests.faults.table import table
from tests.holding import agents_held

REPORTS = ROOT / "build" / "faults"
WIDTH = 150  # of the table where it goes into a file: no column is folded


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Cases; all of them without one.")] = None,
    core: Annotated[bool, typer.Option("--core", help="Only those that `make test` runs.")] = False,
    messages: Annotated[int, typer.Option(min=10, max=5000, help="Letters a case.")] = 300,
    rate: Annotated[float, typer.Option(min=1, max=200, help="Letters begun in a second.")] = 20.0,
    seed: Annotated[int, typer.Option(help="What everything random is drawn from.")] = 1,
) -> None:
    """Inject faults under load and balance the ledger after each."""

    def held(case: Case) -> Result:
        with agents_held(LAB.hosts):
            return run(case, Load(messages=messages, rate=rate, seed=seed))

    cases = casebook.chosen(names or [], CORE if core else CASES, "case")
    shown = console if console.is_terminal else Console(width=WIDTH)
    casebook.carry_out(cases, held, table, REPORTS, shown)


if __name__ == "__main__":
    typer.run(main)
