"""`twinmx dns plan`, `apply` and `check`."""

import asyncio
from contextlib import chdir
from pathlib import Path
from typing import Annotated

import dns.resolver
import typer
from rich.console import Console
from rich.text import Text

from controller import pyinfra
from controller.dns.checking import Checked, check, resolvers_of
from controller.errors import ControllerError
from controller.plan.command import run as show_plan
from controller.usage import Data, Inventory, OneForAnyError, flags_of
from inventory.hosts import exchange_of
from inventory.load import InventoryError
from inventory.secrets import load_secrets
from roles.lib.records.keys import published_keys

app = typer.Typer(help="The DNS records of an inventory: plan, apply, check.", no_args_is_help=True)

CONTROLLER = "@local"
"""pyinfra's name of the controller, whose only role is DNS."""

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead.")]


def _say(error: Exception) -> None:
    Console(stderr=True).print(f"✗ {error}", style="red", markup=False, highlight=False, soft_wrap=True)


@app.command(cls=OneForAnyError)
def plan(inventory: Inventory, data: Data = None, as_json: Json = False) -> None:
    """Show which records would change, what of others stays beside them, and what is left to you.

    What a failover did to MX stays; the agents are asked for it. Exit status: 0 nothing would change,
    2 something would, 1 an error.
    """
    raise typer.Exit(show_plan(inventory, flags_of(data), as_json=as_json, limit=CONTROLLER))


@app.command(cls=OneForAnyError)
def apply(inventory: Inventory, data: Data = None) -> None:
    """Make the records what the inventory says, as the end of a converge does. Exit status 1: an error."""
    try:
        pyinfra.show(pyinfra.command(inventory, "-y", limit=CONTROLLER, flags=flags_of(data)))
    except ControllerError as error:
        _say(error)
        raise typer.Exit(1) from None


@app.command("check", cls=OneForAnyError)
def check_(inventory: Inventory, as_json: Json = False) -> None:
    """Ask resolvers for every record, and for the names of the addresses (PTR); explain what is wrong.

    Exit status: 0 all is fine, 2 something is not, 1 an error, such as a resolver that does not answer.
    """
    try:
        with chdir(pyinfra.ROOT):
            exchange = exchange_of(Path(inventory))
            keys = published_keys(exchange, load_secrets(exchange.secrets_from))
        found = asyncio.run(check(inventory, exchange, keys, resolvers_of(exchange)))
    except (InventoryError, OSError, dns.resolver.NoResolverConfiguration) as error:
        _say(error)
        raise typer.Exit(1) from None
    if as_json:
        print(found.model_dump_json(indent=1))
    else:
        show(found, Console())
    raise typer.Exit(found.status)


def show(found: Checked, console: Console) -> None:
    """Print what is wrong, each with its way out, then one line."""
    for finding in found.findings:
        seen_by = f" ({', '.join(finding.resolvers)})" if len(found.resolvers) > 1 else ""
        _line(console, f"✗ {finding.name} {finding.type} {finding.problem}{seen_by}", "red")
        for value in finding.found:
            _line(console, f"    found   {value}", "")
        for value in finding.wanted:
            _line(console, f"    wanted  {value}", "")
        _line(console, f"    → {finding.mend}", "yellow")
    for error in found.errors:
        _line(console, f"✗ {error}", "red")
    style = "green" if found.result == "fine" else "red"
    asked = f"{found.records} records asked of {', '.join(found.resolvers)}"
    _line(console, f"{asked}: {len(found.findings) or 'no'} findings", style)


def _line(console: Console, text: str, style: str) -> None:
    console.print(Text(text, style=style), soft_wrap=True)
