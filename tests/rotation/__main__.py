"""`python -m tests.rotation`: rotate every secret of the lab under load, and print what became of the mail.

Each is taken from its first step to its last, host after host, while letters flow. Nothing may be lost,
repeated, or refused by both exchangers: then the exit status is 0. Reports are in build/rotation.
"""

from typing import Annotated

import typer

from lab.settings import LAB, ROOT
from lab.traffic import Load
from tests.changes import carry_out_all
from tests.holding import agents_held
from tests.rotation.cases import CASES

REPORTS = ROOT / "build" / "rotation"


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Secrets; all of them without one.")] = None,
    messages: Annotated[int, typer.Option(min=10, help="Letters for each.")] = 2400,
    rate: Annotated[float, typer.Option(min=1, max=50, help="Letters begun in a second.")] = 8.0,
    seed: Annotated[int, typer.Option(help="What everything random is drawn from.")] = 1,
) -> None:
    """Rotate, and balance the ledger after each."""
    carry_out_all(
        names or [],
        CASES,
        Load(messages=messages, rate=rate, seed=seed),
        title="Secrets rotated under load",
        first="secret",
        reports=REPORTS,
        around=lambda: agents_held(LAB.hosts),
    )


if __name__ == "__main__":
    typer.run(main)
