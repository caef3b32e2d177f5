"""The command line of the lab."""

import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from lab import engine, hosts, image, up
from lab.errors import LabError
from lab.probe import probe
from lab.progress import console
from lab.settings import HOSTS, LAB

app = typer.Typer(
    help="The lab: Docker hosts for the exchangers, and the outside world they exchange mail with.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

PairName = Annotated[
    str, typer.Option("--pair", help="lab, second (Vagrant's, molecule's) or fleet (eight).")
]


class Action(StrEnum):
    """What can be done with a pair."""

    UP = "up"
    DOWN = "down"


@app.command("up")
def up_command(pair: PairName = LAB.name) -> None:
    """Start the outside world and a pair of bare exchangers."""
    up.up(up.pair_named(pair))


@app.command("down")
def down_command() -> None:
    """Remove containers, network, package volume, images and build/lab."""
    up.down()


@app.command("pair")
def pair_command(name: str, action: Action) -> None:
    """Start or remove one pair of exchangers, or the fleet."""
    chosen = up.pair_named(name)
    if action is Action.UP:
        up.up(chosen)
    else:
        up.pair_down(chosen)


@app.command("database")
def database_command(action: Action) -> None:
    """Start or remove the host of the alias database."""
    if action is Action.UP:
        up.database_up()
    else:
        up.database_down()


@app.command("status")
def status_command() -> None:
    """Show what there is of the lab."""
    if not engine.answers():
        raise LabError("no Docker engine answers", "start the lab: make up")
    tag = image.current()
    console.print(f"image {tag}: {'there' if image.exists(tag) else 'not built'}")
    table = Table()
    for column in "host", "name", "address", "state":
        table.add_column(column)
    for host in HOSTS:
        table.add_row(host.alias, host.fqdn, str(host.address), hosts.state_of(host))
    console.print(table)


@app.command("probe")
def probe_command(
    pair: PairName = LAB.name,
    host: Annotated[str | None, typer.Option(help="Probe this exchanger alone: mx1 or mx2.")] = None,
) -> None:
    """Send a message through each exchanger, show its way and the hosts' services."""
    chosen = up.pair_named(pair)
    hosts_probed = chosen.hosts if host is None else [up.exchanger_named(chosen, host)]
    if not probe(chosen, hosts_probed):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; a LabError ends it with the cause and the way out."""
    try:
        app()
    except LabError as error:
        console.print(f"✗ {error.cause}", style="red", markup=False, soft_wrap=True)
        if error.way_out:
            console.print(f"  Way out: {error.way_out}", markup=False, soft_wrap=True)
        sys.exit(1)
