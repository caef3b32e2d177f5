"""`mxctl drain` and `mxctl undrain`: this host out of service, in good order, and back.

The failover agent does it, as it would by itself (docs/adr/0015): only while the other exchanger promises
to stay, so the last one that is fit is never drained.
"""

import asyncio
import json
from typing import Annotated

import typer

from twinmx.failover.settings import Settings
from twinmx.failover.state import CLOSED, Phase
from twinmx.mxctl import agent, duration
from twinmx.mxctl.agent import SETTINGS, Reason, SettingsFile
from twinmx.mxctl.manual import SILENT, manual
from twinmx.mxctl.output import Json, failed, moment, printable
from twinmx.mxctl.report import Queue

Length = Annotated[
    float | None,
    typer.Option(
        "--for", parser=duration.parse, metavar="TIME", help="How long: 30m, 2h; without it until `undrain`."
    ),
]
HINT = (
    "This host stays in service. `mxctl status` shows how the other one is: mend it, or bring it back with\n"
    "`mxctl undrain` there, then try again."
)
_GRACE_PERIODS = 6

DRAIN = manual(
    "mxctl drain --for 2h --reason 'new disk'",
    "mxctl drain --wait && systemctl reboot",
    status={
        0: "draining, or drained already; with --wait: drained",
        1: "refused, with the agent's reason; with --wait: not drained after all",
        SILENT: "the agent of this host does not answer, or only root may ask it",
    },
)
UNDRAIN = manual(
    "mxctl undrain --reason 'disk is in'",
    status={
        0: "back in service, on trial",
        1: "refused: it was not drained",
        SILENT: "the agent of this host does not answer, or only root may ask it",
    },
)


def drain(
    seconds: Length = None,
    reason: Reason = "",
    wait: Annotated[bool, typer.Option("--wait", help="Until it is drained; tells what is left.")] = False,
    as_json: Json = False,
    settings: SettingsFile = SETTINGS,
) -> None:
    """Take this host out of service, in good order.

    What is queued goes through the other one. Refused where no other is fit to carry the mail. New
    connections to port 25 are refused, so senders go to the next MX; sessions under way finish. Ctrl-C ends
    the waiting, not the drain.
    """
    told = agent.settings_from(settings)
    state = agent.order(told, "drain", reason=reason, seconds=seconds, hint=HINT)
    left: Queue | None = None
    if wait:
        state, left = asyncio.run(_drained(told, state))
    if as_json:
        typer.echo(json.dumps({**state, "left": left.model_dump() if left else None}, indent=1))
    else:
        typer.echo(printable(_said(state)) + (f"; {_left(left)}" if wait else ""))
    if wait and state["state"] != Phase.DRAINED:
        raise failed("not drained: see `mxctl failover status`")


def undrain(reason: Reason = "", as_json: Json = False, settings: SettingsFile = SETTINGS) -> None:
    """Bring this host back into service, whoever drained it.

    Refused where it is not drained. Port 25 opens at once; the host counts as in service again after a few
    good periods.
    """
    state = agent.order(agent.settings_from(settings), "undrain", reason=reason)
    typer.echo(json.dumps(state, indent=1) if as_json else printable(_said(state)))


async def _drained(settings: Settings, state: agent.State) -> tuple[agent.State, Queue | None]:
    """Wait until the host is drained, no longer drains, or its time is over; returns how it is then."""
    from twinmx.mxctl.survey import inbound  # noqa: PLC0415 - see agent.ask

    timing, loop = settings.timing, asyncio.get_running_loop()
    end = loop.time() + timing.drain_seconds + _GRACE_PERIODS * timing.period_seconds
    shown = ""
    while True:
        left = await inbound(settings)
        if state["state"] != Phase.DRAINING or loop.time() > end:
            return state, left
        if (line := f"draining: {_left(left)}") != shown:
            typer.echo(line, err=True)
            shown = line
        await asyncio.sleep(min(1.0, timing.period_seconds))
        try:
            state = await agent.ask(settings, "/state")
        except (agent.Silent, agent.Refused) as error:
            raise failed(f"{error}\nthe drain goes on while its lease lasts", SILENT) from error


def _left(queue: Queue | None) -> str:
    if queue is None:
        return "what is left in the inbound queue cannot be told"
    return f"left in the inbound queue: {queue.waiting}, {queue.deferred} of them deferred"


def _said(state: agent.State) -> str:
    told = f"{state['host']} is {state['state']}"
    told += f": {state['cause']}" if state["cause"] else ""
    until = (state["order"] or {}).get("until") if state["state"] in CLOSED else None
    return told + (f", until {moment(until)}" if until else "")
