"""What an operator reads of a drill: which there are, what one will do, and what became of it."""

import json

from rich.table import Table

from controller.drill.chosen import Chosen, choose
from controller.drill.course import Outcome
from controller.drill.hosts import Seen
from controller.errors import ControllerError
from controller.report import console, heading
from drills import all_drills
from inventory.schema import Exchange
from twinmx.mxctl import duration


def show_all(exchange: Exchange) -> None:
    """The harmless drills, and whether they may be run on this exchange."""
    table = Table()
    for column in ("drill", "what happens", "here"):
        table.add_column(column)
    for name, drill in all_drills().items():
        if drill.harmless:
            table.add_row(name, drill.says, _why_not(exchange, name) or "yes")
    console.print(table)


def _why_not(exchange: Exchange, name: str) -> str:
    try:
        choose(exchange, name, 1)
    except ControllerError as error:
        return str(error)
    return ""


def describe(chosen: Chosen, inventory: str, seen: Seen) -> None:
    """What it will do, on whom, and how long."""
    drill = chosen.drill
    heading(f"drill {drill.name} on {inventory}")
    _line(drill.says)
    if drill.inventory:
        _line(f"in the inventory meanwhile: {json.dumps(drill.inventory)}")
    if chosen.first:
        _line(f"in DNS meanwhile: {chosen.first} comes first in every MX")
    for name, faults in chosen.faults.items():
        for fault in faults:
            _line(f"{name} runs:")
            for command in fault.begin.splitlines():
                _line(f"    {command}")
    lasts, limit = duration.show(chosen.seconds), duration.show(chosen.limit_seconds)
    _line(
        f"For {lasts}, then a plain converge. A host that is not told mends itself {limit} after the begin."
    )
    alerts = ", ".join(sorted(map(str, seen.alerts or ()))) or "none"
    _line(f"Now all exchangers are in service; alerts: {alerts}")


def summarize(chosen: Chosen, outcome: Outcome) -> None:
    """When each step was reached, and what was seen meanwhile."""
    table = Table(title=f"drill {chosen.drill.name}", title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", overflow="fold")
    moments = {
        "the fault was proved": outcome.proved,
        "its end began": outcome.ending,
        "nothing of it was left": outcome.ended,
        "all were back in service": outcome.back,
    }
    for what, seconds in moments.items():
        table.add_row(what, "never" if seconds is None else f"after {seconds:.0f} s")
    table.add_row("acts of the agents", "\n".join(outcome.acts) or "none")
    table.add_row("new alerts", "\n".join(outcome.alerts) or "none")
    console.print(table, markup=False)
    for why in outcome.why:
        console.print(f"✗ {why}", style="red", markup=False, soft_wrap=True)
    if outcome.well:
        console.print("✓ the drill went as it should", style="green")


def _line(text: str) -> None:
    console.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)
