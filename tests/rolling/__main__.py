"""`python -m tests.rolling`: change the lab pair under load, well and badly, and see what becomes of mail.

Nothing may be lost, repeated, or refused by both exchangers, and each bad change must be undone by itself:
then the exit status is 0. Reports are in build/rolling.
"""

from typing import Annotated

import typer

from lab.settings import ROOT
from lab.traffic import Load
from tests.changes import carry_out_all
from tests.rolling.cases import CASES

REPORTS = ROOT / "build" / "rolling"


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Cases; all of them without one.")] = None,
    messages: Annotated[int, typer.Option(min=10, help="Letters for each.")] = 3000,
    rate: Annotated[float, typer.Option(min=1, max=50, help="Letters begun in a second.")] = 8.0,
    seed: Annotated[int, typer.Option(help="What everything random is drawn from.")] = 1,
) -> None:
    """Change the pair, and balance the ledger after each."""
    load = Load(messages=messages, rate=rate, seed=seed)
    carry_out_all(names or [], CASES, load, title="Changes under load", first="case", reports=REPORTS)


if __name__ == "__main__":
    typer.run(main)
