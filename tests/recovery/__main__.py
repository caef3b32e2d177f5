"""`python -m tests.recovery`: save, lose and rebuild hosts of the lab pair under load, and count the mail.

Nothing may be lost, repeated, or refused by both exchangers: then the exit status is 0. Reports are in
build/recovery. The cases remove hosts and make them anew.
"""

from typing import Annotated

import typer

from lab.settings import ROOT
from lab.traffic import Load
from tests.changes import carry_out_all
from tests.recovery.cases import CASES

REPORTS = ROOT / "build" / "recovery"


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Cases; all of them without one.")] = None,
    messages: Annotated[int, typer.Option(min=10, help="Letters for each.")] = 1500,
    rate: Annotated[float, typer.Option(min=1, max=50, help="Letters begun in a second.")] = 4.0,
    seed: Annotated[int, typer.Option(help="What everything random is drawn from.")] = 1,
) -> None:
    """Recover, and balance the ledger after each."""
    load = Load(messages=messages, rate=rate, seed=seed)
    carry_out_all(names or [], CASES, load, title="Recovery under load", first="case", reports=REPORTS)


if __name__ == "__main__":
    typer.run(main)
