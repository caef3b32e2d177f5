"""The commands of `twinmx-aliases` that need the database; its libraries are loaded only by them."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from twinmx.aliases.database.settings import CREDENTIAL, SETTINGS, Settings
from twinmx.program import log
from twinmx.program.credentials import CredentialError, load_passwords
from twinmx.program.life import live
from twinmx.program.settings import SettingsError, load_settings

OWNER = "postgresql+asyncpg://twinmx@/aliases?host=/run/postgresql"


def follow(
    settings: Annotated[Path, typer.Option(help="The settings to follow by.")] = SETTINGS,
    check: Annotated[bool, typer.Option(help="Check the settings and stop.")] = False,
) -> None:
    """Keep this host's snapshot equal to the aliases in PostgreSQL; run by its unit."""
    from twinmx.aliases.database.follower import WORKER, Follower  # noqa: PLC0415

    try:
        wanted = load_settings(settings, Settings)
        if check:
            return
        log.configure()
        asyncio.run(live(WORKER, Follower(wanted, load_passwords(CREDENTIAL)).start))
    except (SettingsError, CredentialError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def migrate(
    url: Annotated[str, typer.Option(help="The database, as its owner (SQLAlchemy's form).")] = OWNER,
) -> None:
    """Bring the schema of the database to what this release needs."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from twinmx.aliases.database import migrate as migrations  # noqa: PLC0415

    try:
        asyncio.run(migrations.migrate(url))
    except (SQLAlchemyError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
