"""`twinmx drift`."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from rich.console import Console
from rich.text import Text

from controller import pyinfra
from controller.drift.asking import ask_all, hosts_of
from controller.drift.document import Drift, Place, drift_of
from controller.errors import ControllerError
from controller.plan.document import NOTHING, no_plan
from controller.plan.making import make


def run(inventory: str, flags: Mapping[str, str], *, as_json: bool) -> int:
    """Print all differences on standard output, as text or as JSON, and return the exit status."""
    messages = Console(stderr=True)
    try:
        with messages.status("comparing the hosts"):
            drift = compare(inventory, flags)
    except ControllerError as error:
        drift = drift_of(no_plan(inventory, flags, str(error)), {})
    if as_json:
        print(drift.model_dump_json(indent=1))
    elif drift.errors:
        for reason in drift.errors:
            messages.print(f"✗ {reason}", style="red", markup=False, soft_wrap=True)
    else:
        show(drift, Console())
    return drift.status


def compare(inventory: str, flags: Mapping[str, str]) -> Drift:
    """Plan while the hosts compare themselves. Raises ControllerError where nobody could be asked."""
    hosts = hosts_of(pyinfra.inventory_hosts(inventory, flags))
    with ThreadPoolExecutor(max_workers=1) as pool:
        reports = pool.submit(ask_all, hosts)
        return drift_of(make(inventory, flags), reports.result())


def show(drift: Drift, console: Console) -> None:
    """Print every place with what differs there, then a line each."""
    for name, place in drift.places.items():
        if place.differences or place.allowed or place.errors:
            console.rule(f"[bold]{name}", align="left")
            _show_place(place, console)
    console.rule("[bold]Summary", align="left")
    for name, place in drift.places.items():
        style = "red" if place.errors else "green" if place.summary == NOTHING else "yellow"
        console.print(Text(f"{name}: ").append(place.summary, style=style), soft_wrap=True)


def _show_place(place: Place, console: Console) -> None:
    for error in place.errors:
        console.print(Text(f"  ✗ {error}", style="red"), soft_wrap=True)
    for one in place.differences:
        console.print(Text(f"  {one.line}", style="yellow"), soft_wrap=True)
    for one in place.allowed:
        console.print(Text(f"  allowed: {one.line}"), soft_wrap=True)
