"""`mxctl status`: both hosts on one screen, from either of them. What does not answer is silent, in red."""

import asyncio

import typer
from rich.console import Console

from twinmx.mxctl.agent import SETTINGS, SettingsFile, settings_from
from twinmx.mxctl.faults import faults
from twinmx.mxctl.manual import SILENT, manual
from twinmx.mxctl.output import Json
from twinmx.mxctl.screen import show

MANUAL = manual(
    "mxctl status",
    "mxctl status --json | jq -r '.wrong[]'",
    status={
        0: "all is well",
        1: "something is not, or a program is silent",
        SILENT: "this host's settings cannot be read, so nobody could be asked",
    },
)


def status(as_json: Json = False, settings: SettingsFile = SETTINGS) -> None:
    """Show how all exchangers are, on one screen.

    Asks every program of every exchanger, each for two seconds at most. A row "canary by mx1" has what each
    host's canary saw of its messages through mx1. What an operator ordered about engines is known of
    this host alone.
    """
    from twinmx.mxctl.survey import survey  # noqa: PLC0415 - aiohttp takes as long to load as all the rest

    told = settings_from(settings)
    report = asyncio.run(survey(told))
    wrong = faults(report, told)
    report = report.model_copy(update={"wrong": wrong, "well": not wrong})
    if as_json:
        typer.echo(report.model_dump_json(indent=1))
    else:
        show(report, Console())
    if wrong:
        raise typer.Exit(1)
