"""`python -m tests.faults`: inject every fault into the lab under load, and print what became of the mail.

The exit status is 0 when nothing was lost, refused or repeated beyond what was in hand.
"""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from lab.engine import answers
from lab.errors import LabError
from lab.ledger import Result
from lab.progress import console, note, step
from lab.settings import LAB, ROOT
from lab.traffic import Load
from tests.faults.cases import CASES, CORE
from tests.faults.drill import Case, UnavailableError, run
from tests.faults.table import table
from tests.holding import agents_held

REPORTS = ROOT / "build" / "faults"
WIDTH = 150  # of the table where it goes into a file: no column is folded


def _chosen(names: list[str], core: bool) -> list[Case]:
    cases = {case.name: case for case in (CORE if core else CASES)}
    unknown = [name for name in names if name not in cases]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: no such case; there are: {', '.join(cases)}")
    return [cases[name] for name in names] or list(cases.values())


def _save(result: Result) -> None:
    REPORTS.mkdir(parents=True, exist_ok=True)
    name = "".join(letter if letter.isalnum() else "-" for letter in result.name)
    (REPORTS / f"{name}.json").write_text(json.dumps(result.as_json(), indent=1) + "\n")


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Cases; all of them without one.")] = None,
    core: Annotated[bool, typer.Option("--core", help="Only those that `make test` runs.")] = False,
    messages: Annotated[int, typer.Option(min=10, max=5000, help="Letters a case.")] = 300,
    rate: Annotated[float, typer.Option(min=1, max=200, help="Letters begun in a second.")] = 20.0,
    seed: Annotated[int, typer.Option(help="What everything random is drawn from.")] = 1,
) -> None:
    """Inject faults under load and balance the ledger after each."""
    if not answers():
        raise LabError("no Docker engine answers", "start the lab: make up")
    results: list[Result] = []
    skipped: dict[str, str] = {}
    failed: list[str] = []
    for case in _chosen(names or [], core):
        try:
            with agents_held(LAB.hosts), step(f"{case.name}: {case.says}"):
                result = run(case, Load(messages=messages, rate=rate, seed=seed))
        except UnavailableError as error:
            skipped[case.name] = str(error)
        except LabError as error:
            failed.append(f"{case.name}: {error}")
        else:
            results.append(result)
            _save(result)
            for complaint in result.complaints:
                note(f"✗ {complaint}")
    shown = console if console.is_terminal else Console(width=WIDTH)
    shown.print(table(results, skipped))
    for text in failed:
        console.print(f"✗ {text}", style="red", markup=False)
    if failed or not all(result.well for result in results):
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
