"""`mxctl failover`: what the agent of this host thinks and does, and whether it may."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from twinmx.mxctl import agent, duration
from twinmx.mxctl.agent import SETTINGS, Reason, SettingsFile
from twinmx.mxctl.manual import SILENT, manual
from twinmx.mxctl.output import Json, failed, moment, printable

Length = Annotated[
    float | None,
    typer.Option(
        "--for", parser=duration.parse, metavar="TIME", help="How long: 30m, 2h; without it until `release`."
    ),
]
_SILENT = "the agent of this host does not answer, or only root may ask it"

app = typer.Typer(help="The failover agent of this host: status, hold, release.", no_args_is_help=True)


@app.command(
    epilog=manual(
        "mxctl failover status",
        "mxctl failover status --json | jq .recommends",
        status={0: "shown", SILENT: _SILENT},
    )
)
def status(as_json: Json = False, settings: SettingsFile = SETTINGS) -> None:
    """Show the agent's state, what it goes by, promises, what it recommends, and its last acts."""
    try:
        state = asyncio.run(agent.ask(agent.settings_from(settings), "/state"))
    except (agent.Silent, agent.Refused) as error:
        raise failed(f"{error}\nsee: systemctl status failover", SILENT) from error
    if as_json:
        typer.echo(json.dumps(state, indent=1))
        return
    for name, said in _lines(state, time.time()):
        typer.echo(printable(f"{name + ':':13}{said}"))


@app.command(
    epilog=manual(
        "mxctl failover hold --for 1h --reason 'I am on it'",
        status={0: "held", 1: "refused, with the agent's reason", SILENT: _SILENT},
    )
)
def hold(
    seconds: Length = None, reason: Reason = "", as_json: Json = False, settings: SettingsFile = SETTINGS
) -> None:
    """Have the agent act no more by itself; it only recommends, until `release`.

    A drain that is in force goes on, and still ends if its promise cannot be renewed. `drain` and `undrain`
    work meanwhile.
    """
    state = agent.order(agent.settings_from(settings), "hold", reason=reason, seconds=seconds)
    typer.echo(json.dumps(state, indent=1) if as_json else printable(f"held {_order(state['hold'])}"))


@app.command(
    epilog=manual(
        "mxctl failover release",
        status={0: "released", 1: "refused: nobody held it", SILENT: _SILENT},
    )
)
def release(reason: Reason = "", as_json: Json = False, settings: SettingsFile = SETTINGS) -> None:
    """Have the agent act by itself again."""
    state = agent.order(agent.settings_from(settings), "release", reason=reason)
    typer.echo(json.dumps(state, indent=1) if as_json else f"released; mode {state['mode']}")


def _lines(state: agent.State, now: float) -> Iterator[tuple[str, str]]:
    since = duration.show(max(0.0, now - state["since"]))
    yield "state", f"{state['state']} for {since}" + (f": {state['cause']}" if state["cause"] else "")
    yield "mode", state["mode"] + ("" if state["active"] else ", out of service by the inventory")
    yield "held", _order(state["hold"]) if state["hold"] else "no"
    if state["order"]:
        yield "ordered", _order(state["order"])
    yield "bad", _names(state["bad"])
    yield "suspect", _names(rule for rule in state["suspect"] if rule not in state["bad"])
    for peer, seen in state["peers"].items():
        how = "silent" if seen["silent"] else "fit" if seen["fit"] else "not fit"
        yield f"peer {peer}", how + ("" if seen["fresh"] else ", its agent does not answer")
    for peer, until in state["promised"].items():
        yield "promised", f"to {peer} not to drain, until {moment(until)}"
    if state["holds"]:
        yield "relies on", f"{state['holds']['peer']}, which stays until {moment(state['holds']['until'])}"
    yield "demoted", _names(state["demoted"])
    for engine, until in state["bypassed"].items():
        yield "bypassed", f"{engine} until {moment(until)}"
    for domain, preferences in state["mx"].items():
        order = sorted(preferences.items(), key=lambda pair: pair[1])
        yield "MX", f"{domain}: {', '.join(f'{host} {preference}' for host, preference in order)}"
    for wish in state["recommends"]:
        yield "recommends", wish
    for what, detail in state["faults"].items():
        yield "cannot", f"{what}: {detail}"
    for act in state["acts"]:
        by = "" if act["automatic"] else " (ordered)"
        yield "act", f"{moment(act['at'])} {act['name']} {act['whom']}{by}: {act['cause']}"


def _names(names: "Iterator[str] | list[str]") -> str:
    return ", ".join(names) or "none"


def _order(order: dict[str, object]) -> str:
    until = order["until"]
    end = moment(until) if isinstance(until, float | int) else "it is taken back"
    return f"by {order['by']} until {end}" + (f": {order['reason']}" if order["reason"] else "")
