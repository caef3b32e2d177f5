"""What became of the messages of another host's queues: every one of them is in exactly one column."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from controller.report import console

STATES = ("adopted", "known", "left")


@dataclass(frozen=True)
class Ledger:
    """The entries that `twinmx.recovery adopt` tells (its Entry)."""

    entries: Sequence[dict[str, str]]

    @classmethod
    def read(cls, told: Any) -> "Ledger":
        """From its JSON."""
        return cls([dict(entry) for entry in told])

    def count(self, state: str) -> int:
        """How many messages became that."""
        return sum(entry["state"] == state for entry in self.entries)

    def lines(self) -> list[tuple[str, str, list[int]]]:
        """By instance and queue: how many were found, and of these adopted, known from before, left."""
        counted = Counter((entry["instance"], entry["queue"], entry["state"]) for entry in self.entries)
        places = dict.fromkeys((entry["instance"], entry["queue"]) for entry in self.entries)
        by_state = {place: [counted[(*place, state)] for state in STATES] for place in places}
        return [(*place, [sum(numbers), *numbers]) for place, numbers in by_state.items()]

    def show(self, *, names: bool) -> None:
        """Print it; with `names`, also each queue id, before and after."""
        table = Table()
        for column in ("instance", "queue"):
            table.add_column(column)
        for column in ("found", *STATES):
            table.add_column(column, justify="right")
        for instance, queue, numbers in self.lines():
            table.add_row(instance, queue, *map(str, numbers))
        total = (len(self.entries), *(self.count(state) for state in STATES))
        table.add_row("all", "", *map(str, total), style="bold")
        console.print(table)
        for entry in self.entries:
            where = f"{entry['instance']} {entry['queue']}/{entry['was']}"
            if entry["state"] == "left":
                _line(f"! {where}: left, {entry['why']}")
            elif names:
                _line(f"{where} → {entry['became']} ({entry['state']})")


def _line(text: str) -> None:
    """One line, however narrow the terminal: they are searched for."""
    console.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)
