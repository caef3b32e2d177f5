"""`twinmx-forwarder`: one worker, or a check of the settings.

argparse, not typer: this process runs many times on a host, and typer with rich is 5 MB in each.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from twinmx.forwarder.service import Worker
from twinmx.forwarder.settings import Settings
from twinmx.program import log
from twinmx.program.credentials import CredentialError, load_keys
from twinmx.program.settings import SettingsError, load_settings

SETTINGS = Path("/etc/twinmx/forwarder.toml")


def main() -> int:
    """Run the program; returns its exit status."""
    parser = argparse.ArgumentParser(prog="twinmx-forwarder", description="Forward mail for aliases.")
    parser.add_argument("--settings", type=Path, default=SETTINGS, help=f"default: {SETTINGS}")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--worker", type=_worker, metavar="N", help="run as worker N, from 1 on")
    action.add_argument("--check", action="store_true", help="check the settings and stop")
    arguments = parser.parse_args()
    try:
        settings = load_settings(arguments.settings, Settings)
        if arguments.check:
            return 0
        log.configure()
        asyncio.run(_serve(settings, arguments.worker))
    except (SettingsError, CredentialError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Settings, number: int) -> None:
    await Worker(settings, load_keys(), number).run()


def _worker(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: workers count from 1")
    return number
