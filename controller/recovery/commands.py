"""`twinmx backup`, `restore`, `evacuate`, `adopt-queue` and `rebuild`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from controller.errors import ControllerError
from controller.recovery.adopted import adopt
from controller.recovery.evacuated import PATIENCE_SECONDS, Wishes
from controller.recovery.evacuated import evacuate as evacuate_
from controller.recovery.ledger import Ledger
from controller.recovery.rebuilt import rebuild as rebuild_
from controller.recovery.saved import backup as backup_
from controller.recovery.saved import restore as restore_
from controller.remote import Remote
from controller.report import console, note
from controller.rolling.gates import Clock
from controller.rolling.run import Options, fleet_of
from controller.usage import Data, Inventory, flags_of

Host = Annotated[str, typer.Argument(help="The exchanger.")]
Archive = Annotated[Path, typer.Argument(help="The backup, a file on the controller.")]
BreakLock = Annotated[bool, typer.Option("--break-lock", help="Go on where another run has died.")]
Names = Annotated[bool, typer.Option("--names", help="Show each queue id, before and after.")]
LEFT = 2


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except ControllerError as error:
        console.print(f"✗ {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None


def _remote(inventory: str, host: str) -> Remote:
    remotes = fleet_of(inventory, {}).remotes
    if host not in remotes:
        raise ControllerError(f"{host}: no such exchanger; allowed: {', '.join(remotes)}")
    return remotes[host]


def _end(ledger: Ledger, *, names: bool) -> None:
    """Show what became of the messages; exit status 2 where some are left."""
    if ledger.entries:
        ledger.show(names=names)
    if ledger.count("left"):
        raise typer.Exit(LEFT)


def backup(
    inventory: Inventory,
    host: Host,
    file: Archive,
    prometheus: Annotated[bool, typer.Option("--prometheus", help="Also Prometheus' data.")] = False,
) -> None:
    """Save what a host has and no repository does: quarantine, alias overrides, what spam engines learned.

    The host goes on working. FILE gets mode 0600; an older one is replaced when the new one is whole.
    """
    with _said():
        backup_(_remote(inventory, host), file, prometheus=prometheus)


def restore(inventory: Inventory, host: Host, file: Archive, break_lock: BreakLock = False) -> None:
    """Put a backup back onto the host that it is of. What is there is kept; twice is the same as once.

    A file that is damaged, or another host's, is refused before anything is touched.
    """
    with _said():
        restore_(_remote(inventory, host), file, break_lock=break_lock)


def evacuate(
    inventory: Inventory,
    host: Host,
    to: Annotated[str, typer.Option(help="Who takes the mail; the first that carries mail without it.")] = "",
    patience: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long Postfix may try to deliver it itself.")
    ] = PATIENCE_SECONDS,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Stop Postfix now, undrained: the disk has minutes left.")
    ] = False,
    names: Names = False,
    break_lock: BreakLock = False,
) -> None:
    """Hand the mail in both queues of a dying host to another one, and leave it drained, Postfix stopped.

    Exit status: 0 both queues are empty, 2 some messages are left (they are named), 1 an error: the same
    again goes on.
    """
    with _said():
        wishes = Wishes(to, patience, at_once, break_lock)
        ledger = evacuate_(fleet_of(inventory, {}), host, wishes, Clock())
    _end(ledger, names=names)


def adopt_queue(
    inventory: Inventory,
    host: Host,
    directory: Annotated[
        str, typer.Argument(help="A broken host's disk: its root, its var/spool, or a copy of that.")
    ],
    there: Annotated[
        bool, typer.Option("--there", help="DIRECTORY is on HOST, not on the controller.")
    ] = False,
    names: Names = False,
    break_lock: BreakLock = False,
) -> None:
    """Have HOST deliver the mail in the queues on a broken host's disk, each message once.

    Exit status: 0 all are adopted, now or before; 2 some messages are left (they are named); 1 an error:
    the same again goes on.
    """
    with _said():
        ledger = adopt(_remote(inventory, host), directory, there=there, break_lock=break_lock)
    _end(ledger, names=names)


def rebuild(
    inventory: Inventory,
    host: Host,
    data: Data = None,
    saved: Annotated[Path | None, typer.Option("--restore", metavar="FILE", help="A backup of HOST.")] = None,
    break_lock: BreakLock = False,
) -> None:
    """Make a bare machine the exchanger that was lost: converge, gates, DNS, and its backup.

    The other exchangers carry the mail meanwhile.
    """
    with _said():
        seconds = rebuild_(fleet_of(inventory, flags_of(data)), host, saved, Options(break_lock=break_lock))
        note(f"✓ {host} is rebuilt ({seconds:.0f} s)")
