"""`mxctl queue`: who waits, how long and why. In June 2021 one account filled it, and nobody saw whose."""

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twinmx.aliases.snapshot import Snapshot, SnapshotError
from twinmx.mxctl.manual import manual
from twinmx.mxctl.output import Json, failed, printable
from twinmx.program.settings import SettingsError, load_settings
from twinmx.queues.reading import QueueError, read
from twinmx.queues.settings import SETTINGS, InstanceName, Settings
from twinmx.queues.waiting import KNOWN, By, Row, Waiting, summed

Which = Annotated[
    Literal["in", "out", "both"],
    typer.Option("--instance", help="in waits for our forwarder, out for mailbox providers."),
]
SettingsFile = Annotated[Path, typer.Option("--settings", help="Those of twinmx-queues.")]

MANUAL = manual(
    "mxctl queue",
    "mxctl queue --by reason --instance out",
    status={0: "shown, also where nobody waits", 1: "a queue, the aliases or the settings cannot be read"},
)
TITLES: dict[InstanceName, str] = {"in": "inbound: waits for us", "out": "outbound: waits for others"}


def settings_from(path: Path) -> Settings:
    """Read them, or end the command."""
    try:
        return load_settings(path, Settings)
    except SettingsError as error:
        raise failed(str(error)) from error


def chosen(which: Literal["in", "out", "both"], settings: Settings) -> list[InstanceName]:
    """The instances that an operator means."""
    return [name for name in settings.instances if which in (name, "both")]


def queue(
    by: Annotated[
        By | None, typer.Option(help="Default: alias for in, destination (domain) for out.")
    ] = None,
    which: Which = "both",
    limit: Annotated[int, typer.Option(min=1, help="How many rows of a table.")] = 20,
    as_json: Json = False,
    settings: SettingsFile = SETTINGS,
) -> None:
    """Show who waits in the queues, by age: recipients, the most first.

    --by age shows the queues themselves. An alias and an account are known of the inbound queue only.
    """
    told = settings_from(settings)
    names = [name for name in chosen(which, told) if by is None or by in KNOWN[name]]
    if not names:
        raise typer.BadParameter(
            f"--by {by}: not known of --instance {which}; allowed: {', '.join(KNOWN['out'])}"
        )
    found = [(name, by or KNOWN[name][0], _ask(told, name, by or KNOWN[name][0])) for name in names]
    if as_json:
        typer.echo(
            json.dumps({name: _as_json(asked, waiting, limit) for name, asked, waiting in found}, indent=1)
        )
        return
    for name, asked, waiting in found:
        _show(name, asked, waiting, limit)


def _ask(settings: Settings, name: InstanceName, by: By) -> Waiting:
    with Snapshot(settings.aliases.snapshot) as snapshot:
        waiting = Waiting(name, by, time.time(), snapshot)
        try:
            asyncio.run(read(settings.instances[name], settings.timing.read_seconds, waiting.add))
        except (QueueError, SnapshotError) as error:
            raise failed(f"{name}: {error}") from error
    return waiting


def _cut(rows: Sequence[Row], limit: int) -> tuple[list[Row], Row | None]:
    """The rows to be shown, and the sum of the others."""
    rest = rows[limit:]
    return list(rows[:limit]), summed(rest, f"({len(rest)} others)") if rest else None


def _as_json(by: By, waiting: Waiting, limit: int) -> dict[str, Any]:
    rows, rest = _cut(waiting.rows(), limit)
    return {
        "by": by,
        "messages": waiting.messages,
        "recipients": summed(waiting.rows(), "all").total,
        "rows": [_row_as_json(row, waiting) for row in rows],
        "rest": _row_as_json(rest, waiting) if rest else None,
    }


def _row_as_json(row: Row, waiting: Waiting) -> dict[str, Any]:
    columns = {column: row.counts[column] for column in waiting.columns}
    return {"name": row.name, "recipients": row.total, "of_which": columns}


def _show(name: InstanceName, by: By, waiting: Waiting, limit: int) -> None:
    title = f"{TITLES[name]} ({waiting.messages} messages)"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(by, overflow="fold")
    for heading in ("all", *waiting.columns):
        table.add_column(heading, justify="right", no_wrap=True)
    rows, rest = _cut(waiting.rows(), limit)
    for row in [*rows, *([rest] if rest else [])]:
        table.add_row(*_cells(row, waiting))
    table.add_section()
    table.add_row(*_cells(summed(waiting.rows(), "all"), waiting))
    Console().print(table)


def _cells(row: Row, waiting: Waiting) -> list[str]:
    """Names as text: strangers chose some."""
    counts = [str(row.counts[column] or ".") for column in waiting.columns]
    return [escape(printable(row.name, "?")), str(row.total), *counts]
