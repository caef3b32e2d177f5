"""The failover agent of this host, asked through its socket; `twinmx.failover.pages` is the other end.

Only root may open it: who orders a drain must be an operator of this host.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from twinmx.failover.settings import SETTINGS, Settings
from twinmx.mxctl.manual import SILENT
from twinmx.mxctl.output import failed, note, operator, printable
from twinmx.program.settings import SettingsError, load_settings

SOCKET = "failover.sock"
PATIENCE_SECONDS = 2.0
_ORDER_SECONDS = 10.0
"""A drain is a question to the peer as well, which may take its time."""

_OK = 200

State = dict[str, Any]
Reason = Annotated[str, typer.Option(help="Why; it stands in the agent's audit log.")]
SettingsFile = Annotated[Path, typer.Option("--settings", help="Those of the failover agent.")]

__all__ = ["SETTINGS", "Reason", "Refused", "SettingsFile", "Silent", "ask", "order", "settings_from"]


class Silent(Exception):  # noqa: N818 - what it is, not what it is called
    """The agent does not answer; the message says how."""


class Refused(Exception):  # noqa: N818
    """The agent will not; the message is its own reason."""


def settings_from(path: Path) -> Settings:
    """Read them, or end the command with status 3."""
    try:
        return load_settings(path, Settings)
    except SettingsError as error:
        raise failed(str(error), SILENT) from error


async def ask(settings: Settings, path: str, order: dict[str, Any] | None = None) -> State:
    """Return the agent's state, after `order` where one is given; raises `Silent` and `Refused`."""
    import aiohttp  # noqa: PLC0415 - as long to load as all the rest

    socket = settings.places.runtime / SOCKET
    method, seconds = ("GET", PATIENCE_SECONDS) if order is None else ("POST", _ORDER_SECONDS)
    try:
        async with (
            asyncio.timeout(seconds),
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session,
            session.request(method, f"http://agent{path}", json=order) as response,
        ):
            status, answer = response.status, json.loads(await response.read())
    except TimeoutError as error:
        raise Silent(f"the failover agent does not answer within {seconds:g} s") from error
    except (OSError, aiohttp.ClientError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise Silent(f"the failover agent cannot be asked at {socket}: {why}") from error
    if status != _OK or not isinstance(answer, dict):
        raise Refused(str(answer.get("refused") if isinstance(answer, dict) else answer))
    return answer


def order(
    settings: Settings, act: str, *, reason: str, seconds: float | None = None, hint: str = ""
) -> State:
    """Have the agent do `act`, for `seconds` where given, and write down who ordered it.

    Ends the command: with 1 where it is refused (`hint`: what to do then), with 3 where nobody answers.
    """
    wanted: dict[str, Any] = {"by": operator(), "reason": reason}
    if seconds is not None:
        wanted["seconds"] = seconds
    try:
        state = asyncio.run(ask(settings, f"/{act}", wanted))
    except Refused as error:
        raise failed(f"refused: {printable(str(error))}" + (f"\n{hint}" if hint else "")) from error
    except Silent as error:
        raise failed(f"{error}\nsee: systemctl status failover", SILENT) from error
    note(f"{act}: by {operator()}" + (f": {reason}" if reason else ""))
    return state
