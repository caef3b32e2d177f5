"""The runs as a table: for the terminal, and as Markdown for the documentation and for post-mortems."""

from collections.abc import Sequence

from rich.table import Table

from drills.lib.record import Record
from drills.lib.report import words

_COLUMNS = (
    "drill",
    "variant",
    "p99 before/during s",
    "longest s",
    "first alert s",
    "act s",
    "recovered s",
    "refused",
    "lost",
    "dup. (unexplained)",
)
_TEXTS = 2
"""So many columns, the first, are text; the rest are numbers."""


def table(records: Sequence[Record]) -> Table:
    """A table for the terminal; a run that did not hold is red."""
    made = Table("", *_COLUMNS[:_TEXTS])
    for name in _COLUMNS[_TEXTS:]:
        made.add_column(name, justify="right")
    for record in records:
        tone = words.tone(record)
        made.add_row(words.SYMBOLS[tone], *_row(record), style="red" if tone == "bad" else None)
    return made


def markdown(records: Sequence[Record]) -> str:
    """The same as a table of Markdown, which ends with a newline."""
    rows = [_COLUMNS, ["---"] * _TEXTS + ["--:"] * (len(_COLUMNS) - _TEXTS), *map(_row, records)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)


def _row(record: Record) -> list[str]:
    before, during = (words.seconds(words.of_phase(record, phase, "p99")) for phase in ("before", "fault"))
    return [
        record.drill,
        record.variant,
        f"{before} / {during}",
        words.seconds(words.longest(record)),
        *(words.seconds(record.seconds.get(what)) for what in ("detect", "act", "recover")),
        str(words.refused(record)),
        str(record.lost),
        f"{record.duplicated} ({words.unexplained(record)})",
    ]
