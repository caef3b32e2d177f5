"""A plan for people: every place with its changes, then one line each."""

from rich.console import Console
from rich.text import Text

from controller.plan.document import NOTHING, Place, Plan

COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def show(plan: Plan, console: Console) -> None:
    """Print it; what could not be asked is red, what a failover keeps as it is yellow."""
    for name, place in plan.places.items():
        if place.changes or place.kept or place.by_hand or place.errors:
            console.rule(f"[bold]{name}", align="left")
            _show_place(place, console)
    console.rule("[bold]Summary", align="left")
    for name, place in plan.places.items():
        console.print(_summary(name, place), soft_wrap=True)


def _show_place(place: Place, console: Console) -> None:
    for error in place.errors:
        _line(console, f"✗ {error}", "red")
    for kept in place.kept:
        _line(console, f"not touched: {kept.headline}", "yellow")
    for change in place.changes:
        _line(console, change.headline, "bold")
        for detail in change.details:
            _line(console, f"    {detail}", COLOURS.get(detail[:1], ""))
    for record in place.by_hand:
        _line(console, record.headline, "")


def _line(console: Console, text: str, style: str) -> None:
    console.print(Text(f"  {text}", style=style), soft_wrap=True)


def _summary(name: str, place: Place) -> Text:
    style = "red" if place.errors else "green" if place.summary == NOTHING else "yellow"
    line = Text(f"{name}: ").append(place.summary, style=style)
    if place.kept:
        line.append(f"; {len(place.kept)} not touched, see above", style="yellow")
    if place.by_hand:
        line.append(f"; {len(place.by_hand)} records to be set by you, see above", style="yellow")
    return line
