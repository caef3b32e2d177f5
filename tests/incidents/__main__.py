"""`python -m tests.incidents`: break the lab, leave it to itself, and print how it coped.

The exit status is 0 when each incident was seen, acted upon and over in time, with nothing lost.
"""

from typing import Annotated

import typer
from rich.console import Console

from lab.progress import console
from lab.settings import ROOT
from tests import casebook
from tests.incidents.cases import INCIDENTS
from tests.incidents.drill import run
from tests.incidents.quiet import quiet
from tests.incidents.table import table

REPORTS = ROOT / "build" / "incidents"
WIDTH = 150  # of the table, wherever it goes: no column is folded


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Incidents; all of them without one.")] = None,
    seconds: Annotated[float, typer.Option(min=60, max=3600, help="How long each fault lasts.")] = 240,
    minutes: Annotated[float, typer.Option(min=1, max=600, help="How long the quiet time lasts.")] = 30,
    rate: Annotated[float, typer.Option(min=2, max=50, help="Letters begun in a second.")] = 5.0,
    seed: Annotated[int, typer.Option(help="What everything random is drawn from.")] = 1,
) -> None:
    """Break something under load and wait for what the hosts make of it."""
    incidents = casebook.chosen(names or [], (*INCIDENTS, quiet(minutes)), "incident")
    shown = Console(width=max(WIDTH, console.width))
    casebook.carry_out(incidents, lambda one: run(one, seconds, rate, seed), table, REPORTS, shown)


if __name__ == "__main__":
    typer.run(main)
