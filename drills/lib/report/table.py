"""The runs as a table: for the terminal, and as Markdown for the documentation and for post-mortems."""

from collections.abc import Sequence

from rich import box
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


_NARROW = (
    "p99\nusual",
    "p99\nfault",
    "\nworst",
    "\nalert",
    "\nact",
    "\nback",
    "\nref.",
    "\nlost",
    "\ndup.",
)
"""Above numbers in a terminal of 80 columns: seconds, then letters."""


def table(records: Sequence[Record]) -> Table:
    """A table for the terminal; a run that did not hold is red."""
    made = Table("", "\ndrill", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name in _NARROW:
        made.add_column(name, justify="right", no_wrap=True)
    for record in records:
        tone = words.tone(record)
        drill = record.drill if record.variant == "now" else f"{record.drill} {record.variant}"
        numbers = [*_delays(record), *_numbers(record), str(record.duplicated)]
        made.add_row(words.SYMBOLS[tone], drill, *numbers, style="red" if tone == "bad" else None)
    return made


def markdown(records: Sequence[Record]) -> str:
    """The same as a table of Markdown, which ends with a newline."""
    rows = [_COLUMNS, ["---"] * _TEXTS + ["--:"] * (len(_COLUMNS) - _TEXTS), *map(_row, records)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)


def _delays(record: Record) -> list[str]:
    """The p99 before the fault, and during it."""
    return [words.seconds(words.of_phase(record, phase, "p99")) for phase in ("before", "fault")]


def _numbers(record: Record) -> list[str]:
    return [
        words.seconds(words.longest(record)),
        *(words.seconds(record.seconds.get(what)) for what in ("detect", "act", "recover")),
        str(words.refused(record)),
        str(record.lost),
    ]


def _row(record: Record) -> list[str]:
    surplus = f"{record.duplicated} ({words.unexplained(record)})"
    variant = f"{record.variant}, short" if record.short else record.variant
    return [record.drill, variant, " / ".join(_delays(record)), *_numbers(record), surplus]
