"""Carry out named cases on the lab one after another, keep a report of each, and end with one table.

What the fault table and the incident table have in common: one that cannot be had here is skipped, one that
breaks down does not stop the others, and the exit status tells.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from lab.engine import answers
from lab.errors import LabError
from lab.progress import console, note, step
from tests.faults.drill import UnavailableError


class Named(Protocol):
    """A case: its name on the command line, and what it does."""

    @property
    def name(self) -> str: ...

    @property
    def says(self) -> str: ...


class Outcome(Protocol):
    """What a case came to."""

    @property
    def complaints(self) -> list[str]: ...

    @property
    def well(self) -> bool: ...

    def as_json(self) -> dict[str, Any]: ...


CaseT = TypeVar("CaseT", bound=Named)
OutcomeT = TypeVar("OutcomeT", bound=Outcome)


def chosen(names: Sequence[str], cases: Sequence[CaseT], kind: str) -> list[CaseT]:
    """The cases of these names, or all of them without one; `typer.BadParameter` names those there are."""
    known = {case.name: case for case in cases}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: no such {kind}; there are: {', '.join(known)}")
    return [known[name] for name in names] or list(known.values())


def carry_out(
    cases: Sequence[CaseT],
    run: Callable[[CaseT], OutcomeT],
    table: Callable[[Sequence[OutcomeT], dict[str, str]], Table],
    reports: Path,
    shown: Console,
) -> None:
    """Run `cases`, with a file each in `reports`; print `table` on `shown`; leave with 1 unless all was well.

    Raises LabError where there is no lab.
    """
    if not answers():
        raise LabError("no Docker engine answers", "start the lab: make up")
    outcomes: list[OutcomeT] = []
    skipped: dict[str, str] = {}
    failed: list[str] = []
    for case in cases:
        try:
            with step(f"{case.name}: {case.says}"):
                outcome = run(case)
        except UnavailableError as error:
            skipped[case.name] = str(error)
        except LabError as error:
            failed.append(f"{case.name}: {error}")
        else:
            outcomes.append(outcome)
            _save(reports, case.name, outcome)
            for complaint in outcome.complaints:
                note(f"✗ {complaint}")
    shown.print(table(outcomes, skipped))
    for text in failed:
        console.print(f"✗ {text}", style="red", markup=False)
    if failed or not all(outcome.well for outcome in outcomes):
        sys.exit(1)


def _save(reports: Path, case: str, outcome: Outcome) -> None:
    reports.mkdir(parents=True, exist_ok=True)
    name = "".join(letter if letter.isalnum() else "-" for letter in case)
    (reports / f"{name}.json").write_text(json.dumps(outcome.as_json(), indent=1) + "\n")
