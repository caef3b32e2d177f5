"""How every group of commands speaks: to operators, to programs, and to the log of who did what."""

import getpass
import os
import syslog
from datetime import UTC, datetime
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]


def failed(message: str, status: int = 1) -> typer.Exit:
    """Say what went wrong, and return the end of the command with `status`, for the caller to raise."""
    typer.echo(message, err=True)
    return typer.Exit(status)


def operator() -> str:
    """Return who gives orders: the person who became root, else the user."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def note(told: str) -> None:
    """Write to the mail log what an operator has changed: `told` begins with the group of the command."""
    syslog.syslog(syslog.LOG_NOTICE | syslog.LOG_MAIL, f"mxctl {told}")


def printable(text: str, instead: str = " ") -> str:
    """Return `text` without what could steer the operator's terminal; strangers wrote some of it."""
    return "".join(character if character.isprintable() else instead for character in text)


def moment(seconds: float) -> str:
    """Return a time in seconds since 1970 as a date and time of day in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
