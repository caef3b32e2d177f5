"""`python -m tests.incidents`: break the lab, leave it to itself, and print how it coped.

The exit status is 0 when each incident was seen, acted upon and over in time, with nothing lost.
"""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from lab.engine import answers
from lab.errors import LabError
from lab.progress import console, note, step
from lab.settings import ROOT
from tests.faults.drill import UnavailableError
from tests.incidents.cases import INCIDENTS
from tests.incidents.drill import Incident, run
from tests.incidents.quiet import quiet
from tests.incidents.table import table
from tests.incidents.verdict import Report

REPORTS = ROOT / "build" / "incidents"
WIDTH = 150  # of the table, wherever it goes: no column is folded


def _chosen(names: list[str], minutes: float) -> list[Incident]:
    incidents = {one.name: one for one in (*INCIDENTS, quiet(minutes))}
    unknown = [name for name in names if name not in incidents]
    if unknown:
        known = ", ".join(incidents)
        raise typer.BadParameter(f"{', '.join(unknown)}: no such incident; there are: {known}")
    return [incidents[name] for name in names] or list(incidents.values())


def _save(report: Report) -> None:
    REPORTS.mkdir(parents=True, exist_ok=True)
    name = "".join(letter if letter.isalnum() else "-" for letter in report.ledger.name)
    (REPORTS / f"{name}.json").write_text(json.dumps(report.as_json(), indent=1) + "\n")


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Incidents; all of them without one.")] = None,
    seconds: Annotated[float, typer.Option(min=60, max=3600, help="How long each fault lasts.")] = 240,
    minutes: Annotated[float, typer.Option(min=1, max=600, help="How long the quiet time lasts.")] = 30,
    rate: Annotated[float, typer.Option(min=2, max=50, help="Letters begun in a second.")] = 5.0,
    seed: Annotated[int, typer.Option(help="What everything random is drawn from.")] = 1,
) -> None:
    """Break something under load and wait for what the hosts make of it."""
    if not answers():
        raise LabError("no Docker engine answers", "start the lab: make up")
    reports: list[Report] = []
    skipped: dict[str, str] = {}
    failed: list[str] = []
    for incident in _chosen(names or [], minutes):
        try:
            with step(f"{incident.name}: {incident.says}"):
                report = run(incident, seconds, rate, seed)
        except UnavailableError as error:
            skipped[incident.name] = str(error)
        except LabError as error:
            failed.append(f"{incident.name}: {error}")
        else:
            reports.append(report)
            _save(report)
            for complaint in report.complaints:
                note(f"✗ {complaint}")
    Console(width=max(WIDTH, console.width)).print(table(reports, skipped))
    for text in failed:
        console.print(f"✗ {text}", style="red", markup=False)
    if failed or not all(report.well for report in reports):
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
