"""The table of incidents: how soon each was seen, acted upon and over, and what it cost."""

from collections.abc import Sequence

from rich.table import Table

from tests.incidents.verdict import Report

COLUMNS = ("first alert", "act", "p99 < 5 s", "sent", "lost", "dup. (allowed)")


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f} s"


def row(report: Report) -> list[str]:
    """The cells of one incident: what is expected, seconds from its begin, then the ledger."""
    expected, seconds, ledger = report.expected, report.seconds, report.ledger
    allowed = ledger.duplicated - ledger.inside + ledger.allowed
    return [
        expected.act or "no act",
        _seconds(seconds.alert) if expected.alerts else "",
        _seconds(seconds.act) if expected.act else "",
        _seconds(seconds.recovery) if expected.recovers else f"({_seconds(seconds.recovery)})",
        str(ledger.sent),
        str(len(ledger.lost)),
        f"{ledger.duplicated} ({allowed})",
    ]


def table(reports: Sequence[Report], skipped: dict[str, str]) -> Table:
    """All incidents; one that was not as it must be is red."""
    made = Table(title="Incidents, untouched by a human")
    made.add_column("fault")
    made.add_column("expected")
    for column in COLUMNS:
        made.add_column(column, justify="right")
    for report in reports:
        made.add_row(report.ledger.name, *row(report), style="" if report.well else "red")
    for name, why in skipped.items():
        made.add_row(name, why, style="dim")
    return made
