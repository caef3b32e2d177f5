"""The table of faults: what was sent, and what became of it."""

from collections.abc import Sequence

from rich.table import Table

from lab.ledger import Result

COLUMNS = (
    "sent",
    "accepted",
    "delivered",
    "lost",
    "dup. (allowed)",
    "p50 s",
    "p99 s",
    "max s",
    "with tries",
    "refused",
)


def row(result: Result) -> list[str]:
    """The cells of one case: letters sent, accepted, refused; copies delivered, lost, duplicated; seconds.

    duplicated: all repeated copies, then how many were allowed: those that senders' own attempts explain,
    and those that were in hand at the kills.
    """
    delays = result.delays
    times = (
        [
            f"{delays.p50:.1f}",
            f"{delays.p99:.1f}",
            f"{delays.longest:.1f}",
            f"{delays.p99_from_first_try:.1f} / {delays.longest_from_first_try:.1f}",
        ]
        if delays
        else ["-"] * 4
    )
    allowed = result.duplicated - result.inside + result.allowed
    return [
        str(result.sent),
        str(result.accepted),
        f"{result.delivered} of {result.copies}",
        str(len(result.lost)),
        f"{result.duplicated} ({allowed})",
        *times,
        str(result.refused),
    ]


def table(results: Sequence[Result], skipped: dict[str, str]) -> Table:
    """All cases; one that was not as it must be is red."""
    made = Table(title="Faults")
    made.add_column("case")
    for column in COLUMNS:
        made.add_column(column, justify="right")
    for result in results:
        made.add_row(result.name, *row(result), style="" if result.well else "red")
    for name, why in skipped.items():
        made.add_row(name, why, style="dim")
    return made
