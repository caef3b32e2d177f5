"""The command line of a program that runs as numbered workers: one worker, or a check of its settings.

argparse, not typer: such a process runs many times on a host, and typer with rich is 5 MB in each.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from twinmx.program import log
from twinmx.program.credentials import CredentialError
from twinmx.program.settings import Model, SettingsError, load_settings


def run(
    program: str,
    description: str,
    defaults: Path,
    model: type[Model],
    serve: Callable[[Model, int], Awaitable[None]],
) -> int:
    """Do what the arguments of this process say; returns its exit status.

    defaults: the settings file where --settings names no other. serve: be worker N; it is called within the
    event loop, and may raise `CredentialError` and `OSError`.
    """
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--settings", type=Path, default=defaults, help=f"default: {defaults}")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--worker", type=_worker, metavar="N", help="run as worker N, from 1 on")
    action.add_argument("--check", action="store_true", help="check the settings and stop")
    arguments = parser.parse_args()
    try:
        settings = load_settings(arguments.settings, model)
        if arguments.check:
            return 0
        log.configure()
        asyncio.run(_within_loop(serve, settings, arguments.worker))
    except (SettingsError, CredentialError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _within_loop(serve: Callable[[Model, int], Awaitable[None]], settings: Model, worker: int) -> None:
    await serve(settings, worker)


def _worker(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: workers count from 1")
    return number
