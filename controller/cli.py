"""The commands of the controller: bin/twinmx."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from controller import mxctl, pyinfra, rolling, secrets
from controller.dns import commands as dns
from controller.errors import ControllerError
from controller.plan.command import run as show_plan
from controller.report import console
from controller.usage import Data, Inventory, OneForAnyError, flags_of
from twinmx.mxctl.manual import SILENT

app = typer.Typer(
    help="Plan and converge the exchangers of an inventory. Paths count from the checkout.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(secrets.app, name="secrets")
app.add_typer(dns.app, name="dns")


@contextmanager
def _said(status: int = 1) -> Iterator[None]:
    """Say why a command cannot go on, and end with `status`."""
    try:
        yield
    except ControllerError as error:
        console.print(f"✗ {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(status) from None


@app.command()
def converge(
    inventory: Inventory,
    data: Data = None,
    gate: Annotated[str, typer.Option(help="A command run after each host; {name} is its name.")] = "",
) -> None:
    """Converge one exchanger after another, then DNS; stop at the first that fails."""
    flags = flags_of(data)
    with _said():
        rolling.converge(inventory, pyinfra.exchange(inventory, flags), flags, gate)


@app.command(cls=OneForAnyError)
def plan(
    inventory: Inventory,
    data: Data = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document instead: docs/plan.schema.json.")
    ] = False,
) -> None:
    """Show what a converge would change on each host and in DNS, and what a failover keeps as it is.

    Nothing is touched. Exit status: 0 nothing would change, 2 something would, 1 an error, such as a host
    that cannot be asked; the others are shown all the same.
    """
    raise typer.Exit(show_plan(inventory, flags_of(data), as_json=as_json))


@app.command()
def unchanged(inventory: Inventory, data: Data = None) -> None:
    """Converge, and fail unless nothing had to be changed."""
    with _said():
        counted = pyinfra.totals(pyinfra.command(inventory, "-y", flags=flags_of(data)))
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
    with _said(SILENT):
        data = pyinfra.inventory_hosts(inventory)
    exchangers = mxctl.chosen(data, words, host or [], everywhere=everywhere)
    raise typer.Exit(mxctl.run({name: data[name] for name in exchangers}, words))
