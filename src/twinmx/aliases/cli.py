"""`twinmx-aliases`: build the snapshot of a host, and ask it."""

from pathlib import Path
from typing import Annotated

import lmdb
import typer

from twinmx.aliases.hostformat import read_aliases
from twinmx.aliases.model import AliasFileError
from twinmx.aliases.snapshot import Snapshot, SnapshotError, build_snapshot

SNAPSHOT = Path("/var/lib/twinmx/aliases/aliases.lmdb")

app = typer.Typer(
    help="Build and query the alias snapshot of this host.", no_args_is_help=True, add_completion=False
)


def _fail(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(1)


@app.command()
def build(
    source: Annotated[Path, typer.Argument(help="Sorted JSON lines, as the controller ships them.")],
    target: Annotated[Path, typer.Argument(help="The snapshot to replace; ends in .lmdb.")],
) -> None:
    """Build TARGET from SOURCE; TARGET stays as it was where SOURCE has a fault."""
    try:
        meta = build_snapshot(read_aliases(source.read_bytes(), str(source)), target)
    except (AliasFileError, OSError, ValueError, lmdb.Error) as error:
        raise _fail(str(error)) from error
    typer.echo(f"{target}: {meta.count} aliases")


@app.command()
def show(
    address: Annotated[str, typer.Argument(help="The alias to look up.")],
    snapshot: Annotated[Path, typer.Option(help="The snapshot to ask.")] = SNAPSHOT,
) -> None:
    """Print what the forwarder knows of ADDRESS; exit 1 where there is no such alias."""
    with Snapshot(snapshot) as reader:
        try:
            alias = reader.lookup(address)
        except SnapshotError as error:
            raise _fail(str(error)) from error
    if alias is None:
        raise _fail(f"{address}: no such alias in {snapshot}")
    state = "enabled" if alias.enabled else "disabled"
    owner = f", account {alias.account}" if alias.account else ""
    typer.echo(f"{alias.address} ({state}{owner}): {', '.join(alias.mailboxes)}")
