"""`mxctl engine`: take a spam engine out, or have it asked first, for a time and on this host."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from twinmx.forwarder.settings import SETTINGS, Settings
from twinmx.mxctl import duration
from twinmx.mxctl.manual import manual
from twinmx.mxctl.output import Json, failed, moment, note, operator, printable
from twinmx.program.settings import SettingsError, load_settings
from twinmx.spam.overrides import Override, OverridesError, change, in_force, read
from twinmx.spam.settings import Spam

LONGEST_SECONDS = 7 * 86400
"""Longer than that is the inventory's business: an order that nobody remembers is a fault in waiting."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `list` shows it.")]
Length = Annotated[
    float,
    typer.Option("--for", parser=duration.parse, metavar="TIME", help="How long: 90s, 30m, 12h; at most 7d."),
]
Reason = Annotated[str, typer.Option(help="Why, for whoever looks at `list`.")]

app = typer.Typer(
    help="Spam engines: list, skip, use, clear. Orders end by themselves.", no_args_is_help=True
)


@app.callback()
def _given(
    context: typer.Context,
    settings: Annotated[
        Path, typer.Option(help="Those of the forwarder, which names the engines.")
    ] = SETTINGS,
) -> None:
    try:
        context.obj = load_settings(settings, Settings).spam
    except SettingsError as error:
        raise failed(str(error)) from error


@app.command(
    "list",
    epilog=manual("mxctl engine list", status={0: "shown", 1: "the settings or the orders cannot be read"}),
)
def list_(context: typer.Context, as_json: Json = False) -> None:
    """Show the engines in the order in which they are asked, and what is ordered about them."""
    spam: Spam = context.obj
    try:
        orders = in_force(read(spam.overrides), time.time())
    except OverridesError as error:
        raise failed(
            f"{error}\nthe workers ignore it; the next `skip`, `use` or `clear` replaces it"
        ) from error
    _show(spam, orders, as_json=as_json)


@app.command(
    epilog=manual(
        "mxctl engine skip rspamd --for 30m --reason 'slow since the update'",
        status={0: "done", 1: "refused, the last engine in use; or the order cannot be written"},
    )
)
def skip(
    context: typer.Context,
    name: Name,
    seconds: Length,
    reason: Reason = "",
    force: Annotated[
        bool, typer.Option("--force", help="Even where no other engine is left: mail moves on unscanned.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Do not ask this engine."""
    spam = _known(context, name)

    def edit(orders: dict[str, Override]) -> None:
        skipped = {other for other, order in orders.items() if order.act == "skip"} | {name}
        if not force and skipped.issuperset(spam.engines):
            raise failed(
                f"{name} is the last engine in use: without it mail moves on unscanned;"
                " --force does it anyway"
            )
        orders[name] = _order("skip", seconds, reason)

    _change(spam, edit, as_json=as_json)


@app.command(
    epilog=manual(
        "mxctl engine use spamassassin --for 2h",
        status={0: "done", 1: "the order cannot be written"},
    )
)
def use(
    context: typer.Context, name: Name, seconds: Length, reason: Reason = "", as_json: Json = False
) -> None:
    """Ask this engine first; the others still follow when it is late or fails."""
    spam = _known(context, name)

    def edit(orders: dict[str, Override]) -> None:
        for other in [other for other, order in orders.items() if order.act == "use"]:
            del orders[other]
        orders[name] = _order("use", seconds, reason)

    _change(spam, edit, as_json=as_json)


@app.command(
    epilog=manual("mxctl engine clear rspamd", status={0: "done", 1: "the orders cannot be written"}),
)
def clear(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Back to what the inventory says of this engine."""
    spam = _known(context, name)

    def edit(orders: dict[str, Override]) -> None:
        orders.pop(name, None)

    _change(spam, edit, as_json=as_json)


def _known(context: typer.Context, name: str) -> Spam:
    spam: Spam = context.obj
    if name not in spam.engines:
        raise typer.BadParameter(f"{name!r}; in use here: {', '.join(spam.engines) or 'none'}")
    return spam


def _order(act: Literal["skip", "use"], seconds: float, reason: str) -> Override:
    if not 0 < seconds <= LONGEST_SECONDS:
        raise typer.BadParameter(f"--for {duration.show(seconds)}; allowed: more than 0s, at most 7d")
    now = time.time()
    return Override(act=act, since=now, until=now + seconds, by=operator(), reason=reason)


def _change(spam: Spam, edit: Callable[[dict[str, Override]], None], *, as_json: bool) -> None:
    try:
        orders = change(spam.overrides, edit)
    except OSError as error:
        raise failed(f"{spam.overrides}: {error.strerror}") from error
    told = "; ".join(_said(name, order) for name, order in orders.items()) or "no orders"
    note(f"engine: {told}")
    _show(spam, orders, as_json=as_json)


def _show(spam: Spam, orders: dict[str, Override], *, as_json: bool) -> None:
    first = [name for name, order in orders.items() if order.act == "use"]
    ordered = sorted(spam.engines, key=lambda name: name not in first)
    if as_json:
        rows: list[dict[str, Any]] = [
            {"engine": name, "order": orders[name].model_dump() if name in orders else None}
            for name in ordered
        ]
        typer.echo(json.dumps(rows, indent=1))
        return
    for name in ordered:
        typer.echo(_said(name, orders[name]) if name in orders else f"{name}: asked")


def _said(name: str, order: Override) -> str:
    what = "skipped" if order.act == "skip" else "asked first"
    until = moment(order.until)
    why = f": {order.reason}" if order.reason else ""
    return printable(f"{name}: {what} until {until}, ordered by {order.by}{why}")
