"""`twinmx-gate`: one worker, or a check of the settings."""

import argparse
import asyncio
import sys
from pathlib import Path

from twinmx.gate.service import Worker
from twinmx.gate.settings import Settings
from twinmx.program import log
from twinmx.program.credentials import VALKEY, CredentialError, load_keys, load_password
from twinmx.program.settings import SettingsError, load_settings

SETTINGS = Path("/etc/twinmx/gate.toml")


def main() -> int:
    """Run the program; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="twinmx-gate", description="Decide about mail within the SMTP session."
    )
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
        worker = Worker(settings, load_keys()[0], load_password(VALKEY), arguments.worker)
        asyncio.run(worker.run())
    except (SettingsError, CredentialError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _worker(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: workers count from 1")
    return number
