"""The commands of the controller: bin/twinmx."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from controller import mxctl, pyinfra, secrets
from controller.acme import commands as certificates
from controller.dns import commands as dns
from controller.drift.command import run as show_drift
from controller.drill.command import drill
from controller.errors import ControllerError
from controller.plan import text
from controller.plan.command import run as show_plan
from controller.recovery import commands as recovery
from controller.report import console
from controller.rollback import rollback as roll_back
from controller.rolling import run as rolling
from controller.rolling.run import Options
from controller.upgrade import Upgrading, planned
from controller.upgrade import upgrade as upgrade_
from controller.usage import Data, Inventory, OneForAnyError, flags_of
from twinmx.mxctl.manual import SILENT

app = typer.Typer(
    help="Plan and converge the exchangers of an inventory. Paths count from the checkout.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(secrets.app, name="secrets")
app.add_typer(dns.app, name="dns")
app.add_typer(certificates.app, name="certificates")
app.command()(recovery.backup)
app.command()(recovery.restore)
app.command()(recovery.evacuate)
app.command("adopt-queue")(recovery.adopt_queue)
app.command()(recovery.rebuild)
app.command()(drill)


@contextmanager
def _said(status: int = 1) -> Iterator[None]:
    """Say why a command cannot go on, and end with `status`."""
    try:
        yield
    except ControllerError as error:
        console.print(f"✗ {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(status) from None


InService = Annotated[
    bool, typer.Option("--in-service", help="Drain nobody: where no other host can carry the mail.")
]
BreakLock = Annotated[bool, typer.Option("--break-lock", help="Go on where another run has died.")]


@app.command()
def converge(
    inventory: Inventory,
    data: Data = None,
    gate: Annotated[
        str, typer.Option(help="A command run for each host in service, as a last gate; {name} is its name.")
    ] = "",
    host: Annotated[
        list[str] | None, typer.Option("--host", help="This exchanger alone, without DNS. Repeatable.")
    ] = None,
    in_service: InService = False,
    keep_failed: Annotated[
        bool, typer.Option("--keep-failed", help="Leave a host that fails as it is, drained, to look at it.")
    ] = False,
    break_lock: BreakLock = False,
) -> None:
    """Converge one exchanger after another, then DNS; stop at the first that fails.

    Each is drained while it changes, and returns when mail comes through it again. One that does not pass
    goes back to what it was before. What is done already is not done again.
    """
    options = Options(gate, tuple(host or ()), in_service, keep_failed, break_lock)
    with _said():
        rolling.converge(rolling.fleet_of(inventory, flags_of(data)), options)


@app.command(cls=OneForAnyError)
def upgrade(
    inventory: Inventory,
    data: Data = None,
    host: Annotated[
        list[str] | None, typer.Option("--host", help="This exchanger alone. Repeatable.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would come: exit status 2 where something would.")
    ] = False,
    in_service: InService = False,
    break_lock: BreakLock = False,
) -> None:
    """Install what Debian has, as a point release, on one exchanger after another; then converge each.

    Drained meanwhile, rebooted where that is required, and back when mail comes through it again. One that
    does not pass stays drained, and the others are not touched. What is done already is not done again.
    """
    with _said():
        flags = flags_of(data)
        fleet = rolling.fleet_of(inventory, flags)
        upgrading = Upgrading(inventory, fleet.exchange, flags, fleet.remotes)
        if dry_run:
            plan = planned(upgrading, host or [])
            text.show(plan, console)
            raise typer.Exit(plan.status)
        options = Options("", tuple(host or ()), in_service, keep_failed=True, break_lock=break_lock)
        upgrade_(upgrading, options)


@app.command()
def rollback(
    inventory: Inventory,
    host: Annotated[str, typer.Argument(help="The exchanger.")],
    in_service: InService = False,
    break_lock: BreakLock = False,
) -> None:
    """Take one exchanger back to what it was before its last converge, drained meanwhile.

    Once: there is one state to go back to. The next converge brings the host forward again.
    """
    with _said():
        fleet = rolling.fleet_of(inventory, {})
        roll_back(fleet, host, in_service=in_service, break_lock=break_lock)


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


@app.command(cls=OneForAnyError)
def drift(
    inventory: Inventory,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead.")] = False,
) -> None:
    """Show what somebody changed on the hosts or in DNS, and what of the inventory is not there yet.

    Nothing is touched. Exit status: 0 nothing differs, 2 something does, 1 an error, such as a host that
    cannot be asked; the others are compared all the same.
    """
    raise typer.Exit(show_drift(inventory, flags_of(data), as_json=as_json))


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
