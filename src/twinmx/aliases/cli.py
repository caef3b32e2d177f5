"""`twinmx-aliases`: what makes the snapshot of a host. `mxctl alias` asks it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import lmdb
import typer

from twinmx.aliases.database.commands import follow, migrate
from twinmx.aliases.hostformat import read_aliases
from twinmx.aliases.model import Alias, AliasFileError
from twinmx.aliases.update import build_snapshot

app = typer.Typer(help="Make the alias snapshot of this host.", no_args_is_help=True, add_completion=False)
app.command()(follow)
app.command()(migrate)


@app.command()
def build(
    source: Annotated[Path, typer.Argument(help="Sorted JSON lines, as the controller ships them.")],
    target: Annotated[Path, typer.Argument(help="The snapshot to replace; ends in .lmdb.")],
) -> None:
    """Build TARGET from SOURCE; TARGET stays as it was where SOURCE has a fault."""
    try:
        meta = build_snapshot(_aliases(source), target)
    except (AliasFileError, OSError, ValueError, lmdb.Error) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{target}: {meta.count} aliases")


def _aliases(source: Path) -> Iterator[Alias]:
    with source.open("rb") as lines:
        yield from read_aliases(lines, str(source))
