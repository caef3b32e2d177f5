"""`mxctl top`: who receives how much. In June 2021 that question took hours."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twinmx.limits.report import Top, as_json, read
from twinmx.limits.report import top as top_of
from twinmx.limits.settings import SETTINGS, LimitsFile
from twinmx.limits.statistics import KEPT_MINUTES, Kind, minute_now
from twinmx.limits.store import client
from twinmx.mxctl import duration
from twinmx.mxctl.manual import manual
from twinmx.mxctl.output import Json, failed, printable
from twinmx.program.settings import SettingsError, load_settings

PASSWORD = Path("/etc/twinmx/credentials/valkey-password")
PATIENCE_SECONDS = 3.0
MANUAL = manual(
    "mxctl top",
    "mxctl top --by account --window 1h -n 5",
    status={0: "shown", 1: "Valkey does not tell, or the settings cannot be read"},
)


def top(
    by: Annotated[
        Kind, typer.Option(help="Who: recipient, its mailbox, its account, sender's domain.")
    ] = "alias",
    window: Annotated[
        str, typer.Option(metavar="TIME", help=f"How far back: 10m, 1h; {KEPT_MINUTES}m at most.")
    ] = "10m",
    number: Annotated[int, typer.Option("-n", min=1, help="How many.")] = 20,
    as_json_: Json = False,
    settings: Annotated[Path, typer.Option(help="Where the limits are counted.")] = SETTINGS,
    password: Annotated[Path, typer.Option(help="The file with Valkey's password.")] = PASSWORD,
) -> None:
    """Show who received most of late, and how much was refused over a limit.

    Of the messages that were asked about (the gate's, or the forwarder's in a replay of 2021); of all
    exchangers where they share a Valkey, else of this one. A message that a sender gave up counts as none.
    """
    minutes = _minutes(window)
    found = top_of(_ask(settings, password, by, minutes), number)
    if as_json_:
        typer.echo(json.dumps({"by": by, "minutes": minutes, **as_json(found)}, indent=1))
    else:
        _show(found, by, minutes)


def _minutes(window: str) -> int:
    minutes = int(-(-duration.parse(window) // 60))
    if not 1 <= minutes <= KEPT_MINUTES:
        raise typer.BadParameter(f"--window {window}; allowed: from 1m to {KEPT_MINUTES}m")
    return minutes


def _ask(settings: Path, password: Path, by: Kind, minutes: int) -> Counter[str]:
    try:
        place = load_settings(settings, LimitsFile).limits.valkey
        secret = password.read_text().removesuffix("\n")
    except (SettingsError, OSError) as error:
        raise failed(str(error)) from error

    async def asked() -> Counter[str]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            valkey = client(place, secret)
            try:
                return await read(valkey, by, minutes, minute_now())
            finally:
                await valkey.aclose(close_connection_pool=True)

    try:
        return asyncio.run(asked())
    except Exception as error:  # whatever Valkey says or does not, the operator is told in one line
        where = place.socket or f"{place.address}:{place.port}"
        raise failed(f"Valkey at {where} does not tell: {type(error).__name__} {error}".rstrip()) from error


def _show(found: Top, by: Kind, minutes: int) -> None:
    table = Table(title=f"the last {minutes} min, by {by}", title_justify="left")
    table.add_column(by, overflow="fold")
    for heading in ("received", "refused", "share"):
        table.add_column(heading, justify="right")
    for row in found.rows:
        table.add_row(_plain(row.name), str(row.received), str(row.refused), f"{found.share(row):.1%}")
    if found.rest.messages:
        rest = found.rest
        table.add_row("(others, not kept)", str(rest.received), str(rest.refused), f"{found.share(rest):.1%}")
    table.add_section()
    table.add_row("all", str(found.total.received), str(found.total.refused), "")
    Console().print(table)


def _plain(name: str) -> str:
    """A name as text: a stranger chose it, so neither markup nor control characters."""
    return escape(printable(name, "?"))
