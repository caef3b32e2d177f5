"""The commands of the controller."""

from typing import Annotated

import typer

from controller import mxctl, pyinfra, rolling
from controller.errors import ControllerError
from controller.report import console
from twinmx.mxctl.manual import SILENT

app = typer.Typer(
    help="Plan and converge the exchangers of an inventory.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Inventory = Annotated[str, typer.Argument(help="An inventory file, such as inventory/lab.py.")]
Data = Annotated[list[str] | None, typer.Option("--data", help="A flag, as in primary=mx2. Repeatable.")]


def _flags(data: list[str] | None) -> dict[str, str]:
    return {key: value for key, _, value in (entry.partition("=") for entry in data or [])}


@app.command()
def converge(
    inventory: Inventory,
    data: Data = None,
    gate: Annotated[str, typer.Option(help="A command run after each host; {name} is its name.")] = "",
) -> None:
    """Converge one exchanger after another, then DNS; stop at the first that fails."""
    flags = _flags(data)
    try:
        rolling.converge(inventory, pyinfra.exchange(inventory, flags), flags, gate)
    except ControllerError as error:
        console.print(f"✗ {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None


@app.command()
def plan(inventory: Inventory, data: Data = None) -> None:
    """Show what a converge would change, with differences of files; nothing is touched."""
    pyinfra.show(pyinfra.command(inventory, "--dry", "--diff", flags=_flags(data)))


@app.command()
def unchanged(inventory: Inventory, data: Data = None) -> None:
    """Converge, and fail unless nothing had to be changed."""
    counted = pyinfra.totals(pyinfra.command(inventory, "-y", flags=_flags(data)))
    console.print(
        f"changed {counted['success']}, failed {counted['error']}, unchanged {counted['no_change']}"
    )
    if counted["success"] or counted["error"]:
        raise typer.Exit(1)


@app.command("mxctl")
def mxctl_(
    inventory: Inventory,
    words: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="As on a host: docs/mxctl.md.")],
    host: Annotated[
        list[str] | None, typer.Option("--host", help="This exchanger alone. Repeatable.")
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--all", help="All of them, also where COMMAND changes something.")
    ] = False,
) -> None:
    """Run a command of mxctl on the exchangers, all at once; the exit status is the worst of theirs.

    What changes something needs --host or --all. 3: a host, or the inventory, could not be asked.
    """
    try:
        data = pyinfra.inventory_hosts(inventory)
    except ControllerError as error:
        console.print(f"✗ {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(SILENT) from None
    exchangers = mxctl.chosen(data, words, host or [], everywhere=everywhere)
    raise typer.Exit(mxctl.run({name: data[name] for name in exchangers}, words))
