"""`mxctl alias`: what this host knows of an alias, and switching one off or on, from the next message on.

Where the aliases come from the inventory, a switch is an override on this host alone: it outlives
converges and rebuilds until it is taken back. Where they come from a database, a switch is made there, for
all hosts; `--local` makes an override all the same, for the time in which the database is out of reach.
"""

import asyncio
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import lmdb
import typer

from twinmx.addresses import fold
from twinmx.aliases.database import settings as database
from twinmx.aliases.overrides import Override, OverridesError, overrides_of, read_overrides
from twinmx.aliases.snapshot import Snapshot, SnapshotError
from twinmx.aliases.update import NoSuchAlias, override_alias
from twinmx.mxctl import duration
from twinmx.mxctl.manual import manual
from twinmx.mxctl.output import Json, failed, moment, note, printable
from twinmx.program.settings import SettingsError, load_settings

SNAPSHOT = Path("/var/lib/twinmx/aliases/aliases.lmdb")

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The alias, in any case.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever looks at `show` or `overrides`.")]
Local = Annotated[
    bool, typer.Option("--local", help="On this host alone, also where a database is followed.")
]

_SWITCHED = {0: "done", 1: "not done: no such alias, or the database or the snapshot is out of reach"}

app = typer.Typer(help="Aliases: show, disable, enable, overrides.", no_args_is_help=True)


@app.callback()
def _given(
    context: typer.Context,
    snapshot: Annotated[Path, typer.Option(help="The snapshot to ask and to change.")] = SNAPSHOT,
) -> None:
    context.obj = snapshot


@app.command(
    epilog=manual(
        "mxctl alias show shop@alias.example",
        status={0: "shown", 1: "no such alias, or the snapshot cannot be read"},
    )
)
def show(context: typer.Context, address: Address, as_json: Json = False) -> None:
    """Show what this host knows of ADDRESS."""
    base: Path = context.obj
    try:
        with Snapshot(base) as reader:
            stored, meta = reader.stored(address), reader.meta()
    except SnapshotError as error:
        raise failed(str(error)) from error
    override = _overrides(base).get(fold(address))
    if stored is None:
        kept = "; an override for it is kept, `enable` removes it" if override else ""
        raise failed(f"{address}: no such alias in {base}{kept}")
    told: dict[str, Any] = {
        **asdict(stored.alias),
        "enabled_at_source": stored.enabled_at_source,
        "override": asdict(override) if override else None,
        "snapshot": asdict(meta),
    }
    if as_json:
        typer.echo(json.dumps(told, indent=1))
        return
    alias = stored.alias
    owner = f", account {alias.account}" if alias.account else ""
    typer.echo(printable(f"{alias.address} ({_state(alias.enabled)}{owner}): {', '.join(alias.mailboxes)}"))
    if alias.disabled_mailboxes:
        refused = "" if alias.mailboxes_in_use else "; no mailbox is left, mail is refused with 550 5.2.1"
        typer.echo(printable(f"disabled mailboxes: {', '.join(alias.disabled_mailboxes)}{refused}"))
    if override:
        typer.echo(_said(alias.address, override) + f"; its source says {_state(stored.enabled_at_source)}")
    now = time.time()
    typer.echo(
        f"snapshot: {meta.count} aliases, read {duration.show(max(0, round(now - meta.built_at)))} ago,"
        f" changed {duration.show(max(0, round(now - meta.changed_at)))} ago"
    )


@app.command(
    epilog=manual("mxctl alias disable shop@alias.example --reason 'flooded'", status=_SWITCHED),
)
def disable(
    context: typer.Context, address: Address, reason: Reason = "", local: Local = False, as_json: Json = False
) -> None:
    """Refuse mail to ADDRESS, with 550 5.1.1, until `enable`."""
    _switch(context.obj, address, enabled=False, reason=reason, local=local, as_json=as_json)


@app.command(epilog=manual("mxctl alias enable shop@alias.example", status=_SWITCHED))
def enable(
    context: typer.Context, address: Address, reason: Reason = "", local: Local = False, as_json: Json = False
) -> None:
    """Accept mail to ADDRESS again, until `disable`."""
    _switch(context.obj, address, enabled=True, reason=reason, local=local, as_json=as_json)


@app.command(
    epilog=manual("mxctl alias overrides", status={0: "shown", 1: "the overrides cannot be read"}),
)
def overrides(context: typer.Context, as_json: Json = False) -> None:
    """Show the aliases that this host treats otherwise than their source says."""
    found = _overrides(context.obj)
    if as_json:
        typer.echo(json.dumps({address: asdict(override) for address, override in found.items()}, indent=1))
        return
    for address, override in found.items():
        typer.echo(_said(address, override))


def _overrides(base: Path) -> dict[str, Override]:
    try:
        return read_overrides(overrides_of(base))
    except (OverridesError, OSError) as error:
        raise failed(str(error)) from error


def _switch(base: Path, address: str, *, enabled: bool, reason: str, local: bool, as_json: bool) -> None:
    if database.SETTINGS.exists() and not local:
        _switch_in_database(address, enabled=enabled)
        override, where = None, "in the database, for all hosts"
        if fold(address) in _overrides(base):
            _override(base, address, enabled=None)  # the later word holds, on this host as well
    else:
        override = _override(base, address, enabled=enabled, reason=reason)
        where = "on this host" if override else "as its source says"
    told = printable(f"{fold(address)}: {_state(enabled)}, {where}" + (f" ({reason})" if reason else ""))
    note(f"alias: {told}")
    if as_json:
        told = json.dumps(
            {
                "address": fold(address),
                "enabled": enabled,
                "where": where,
                "override": asdict(override) if override else None,
            },
            indent=1,
        )
    typer.echo(told)


def _override(base: Path, address: str, *, enabled: bool | None, reason: str = "") -> Override | None:
    try:
        _become_owner(base.parent)
        return override_alias(base, address, enabled=enabled, reason=reason)
    except NoSuchAlias as error:
        raise failed(f"{address}: no such alias in {base}") from error
    except (SnapshotError, OverridesError, lmdb.Error, OSError) as error:
        raise failed(str(error)) from error


def _become_owner(directory: Path) -> None:
    """Go on as the owner of the files, for good: they stay theirs, and no link of theirs misleads root."""
    status = directory.stat()
    if os.geteuid() == 0 and status.st_uid != 0:
        os.setgroups([])
        os.setgid(status.st_gid)
        os.setuid(status.st_uid)


def _switch_in_database(address: str, *, enabled: bool) -> None:
    from asyncpg import PostgresError  # noqa: PLC0415 - half a second, for this alone
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from twinmx.aliases.database.operator import set_enabled  # noqa: PLC0415

    try:
        settings = load_settings(database.SETTINGS, database.Settings)
        passwords = database.PASSWORDS_FILE.read_text().splitlines()
        known = asyncio.run(set_enabled(settings, passwords, fold(address), enabled=enabled))
    except (SettingsError, SQLAlchemyError, PostgresError, OSError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise failed(f"the database was not changed: {reason}\n--local changes this host alone") from error
    if not known:
        raise failed(f"{address}: no such alias in the database")


def _said(address: str, override: Override) -> str:
    since = moment(override.since)
    why = f": {override.reason}" if override.reason else ""
    return printable(f"{address}: overridden on this host, {_state(override.enabled)} since {since}{why}")


def _state(enabled: bool) -> str:
    return "enabled" if enabled else "disabled"
