"""`mxctl quarantine`: what was put aside as spam, and what becomes of it."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from twinmx.forwarder.settings import SETTINGS, Settings
from twinmx.mxctl import duration
from twinmx.mxctl.manual import manual
from twinmx.mxctl.output import Json, failed, moment, note, printable
from twinmx.mxctl.release import NextHop, ReleaseError, release
from twinmx.program.settings import SettingsError, load_settings
from twinmx.quarantine import Held, Quarantine, QuarantineError, Summary

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="As `list` shows them.")]

app = typer.Typer(help="Messages put aside as spam: list, show, release, drop.", no_args_is_help=True)


@app.callback()
def _given(
    context: typer.Context,
    settings: Annotated[Path, typer.Option(help="Those of the forwarder, which fills it.")] = SETTINGS,
) -> None:
    try:
        context.obj = load_settings(settings, Settings)
    except SettingsError as error:
        raise failed(str(error)) from error


@app.command(
    "list",
    epilog=manual(
        "mxctl quarantine list --older 12h", status={0: "shown", 1: "something is damaged or cannot be read"}
    ),
)
def list_(
    context: typer.Context,
    older: Annotated[str, typer.Option(metavar="AGE", help="Only those older than this: 7d, 12h.")] = "0s",
    as_json: Json = False,
) -> None:
    """Show what is there, the oldest first."""
    store = _store(context)
    least_age = duration.parse(older)
    now = time.time()
    rows, damaged = [], []
    for name in _names(store):
        try:
            row = _row(store.summary(name), now)
        except QuarantineError as error:
            damaged.append({"name": name, "damaged": str(error)})
            continue
        if row["age_seconds"] >= least_age:
            rows.append(row)
    if as_json:
        typer.echo(json.dumps([*rows, *damaged], indent=1))
    else:
        for row in rows:
            typer.echo(_line(row))
        for fault in damaged:
            typer.echo(fault["damaged"], err=True)
    if damaged:
        raise typer.Exit(1)


@app.command(
    epilog=manual(
        "mxctl quarantine show NAME --headers",
        status={0: "shown", 1: "there is no such message, or it is damaged"},
    )
)
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `list` shows it.")],
    headers: Annotated[bool, typer.Option("--headers", help="The message's header.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The message, byte for byte.")] = False,
    as_json: Json = False,
) -> None:
    """Show one message: what is known of it, its header, or all of it."""
    if headers + raw + as_json > 1:
        raise typer.BadParameter("--headers, --raw and --json exclude each other")
    store = _store(context)
    try:
        if raw:
            sys.stdout.buffer.write(store.read(name).message)
        elif headers:
            header = store.read(name).message.partition(b"\r\n\r\n")[0]
            typer.echo(
                "\n".join(_printable(line) for line in header.decode("utf-8", "replace").split("\r\n"))
            )
        else:
            row = _row(store.summary(name), time.time())
            text = json.dumps(row, indent=1) if as_json else "\n".join(map(_pair, row.items()))
            typer.echo(text)
    except QuarantineError as error:
        raise failed(str(error)) from error


@app.command(
    "release",
    epilog=manual(
        "mxctl quarantine release NAME NAME",
        status={0: "all have gone", 1: "something stays in quarantine, and why"},
    ),
)
def release_(
    context: typer.Context,
    names: Names,
    again: Annotated[
        bool, typer.Option("--again", help="Also to a mailbox that may have got it when a release broke off.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send messages on to their mailboxes, unscanned; each is removed once every mailbox's has been taken."""
    settings: Settings = context.obj
    hop = NextHop(
        str(settings.reinject.address), settings.reinject.port, settings.host, settings.reinject.seconds
    )
    store = _store(context)

    def send(held: Held, name: str) -> dict[str, Any]:
        record, message = store.summary(name).record, store.read(name).message
        progress = asyncio.run(release(held, record, message, hop, again=again))
        return {"released": dict(progress.accepted)}

    _each(store, names, send, as_json=as_json)


@app.command(
    epilog=manual("mxctl quarantine drop NAME", status={0: "all are gone", 1: "something is still there"}),
)
def drop(context: typer.Context, names: Names, as_json: Json = False) -> None:
    """Remove messages for good."""

    def remove(held: Held, _name: str) -> dict[str, Any]:
        held.remove()
        return {"dropped": True}

    _each(_store(context), names, remove, as_json=as_json)


def _each(
    store: Quarantine, names: list[str], act: Callable[[Held, str], dict[str, Any]], *, as_json: bool
) -> None:
    """Do `act` with each item; what fails hinders no other, is told, and makes the exit status 1."""
    results = []
    for name in dict.fromkeys(names):
        try:
            with store.hold(name) as held:
                done = act(held, name)
        except (QuarantineError, ReleaseError, OSError) as error:
            reason = str(error).removeprefix(f"{name}: ")
            results.append({"name": name, "kept": reason})
        else:
            results.append({"name": name, **done})
            note(f"quarantine {_done(results[-1])}")
    if as_json:
        typer.echo(json.dumps(results, indent=1))
    else:
        for result in results:
            typer.echo(_done(result), err="kept" in result)
    if any("kept" in result for result in results):
        raise typer.Exit(1)


def _done(result: dict[str, Any]) -> str:
    name = _printable(result["name"])
    if "kept" in result:
        return f"{name}: {_printable(result['kept'])}"
    if "dropped" in result:
        return f"{name}: dropped"
    replies = ", ".join(_printable(f"{mailbox} ({reply})") for mailbox, reply in result["released"].items())
    return f"{name}: released to {replies}"


def _row(summary: Summary, now: float) -> dict[str, Any]:
    record, progress = summary.record, summary.progress
    return {
        "name": summary.name,
        "quarantined_at": moment(record.quarantined_at),
        "age_seconds": max(0, round(now - record.quarantined_at)),
        "alias": record.recipient,
        "account": record.account,
        "sender": record.sender,
        "engine": record.verdict.engine,
        "score": record.verdict.score,
        "size": summary.size,
        "mailboxes": [recipient.address for recipient in record.onward.recipients],
        "has_copy": sorted(progress.accepted),
        "in_doubt": progress.sending,
        "last_refusal": progress.refused,
    }


def _line(row: dict[str, Any]) -> str:
    words = [
        row["name"],
        duration.show(row["age_seconds"]),
        f"{row['alias']} ({row['account'] or 'no account'})",
        f"from <{row['sender']}>",
        f"{row['engine']} {row['score']:.1f}",
        f"{row['size']} bytes",
    ]
    words += [f"has a copy: {', '.join(row['has_copy'])}"] if row["has_copy"] else []
    words += [f"under way or interrupted: {row['in_doubt']}"] if row["in_doubt"] else []
    words += [f"refused: {row['last_refusal']}"] if row["last_refusal"] else []
    return _printable("  ".join(words))


def _pair(pair: tuple[str, Any]) -> str:
    key, value = pair
    shown = ", ".join(value) if isinstance(value, list) else "" if value is None else value
    return _printable(f"{key + ':':16}{shown}")


def _printable(text: str) -> str:
    """What strangers wrote must not steer the operator's terminal."""
    return printable(text.expandtabs(), "\N{REPLACEMENT CHARACTER}")


def _store(context: typer.Context) -> Quarantine:
    settings: Settings = context.obj
    return Quarantine(settings.quarantine.directory)


def _names(store: Quarantine) -> list[str]:
    try:
        return store.names()
    except OSError as error:
        raise failed(str(error)) from error
