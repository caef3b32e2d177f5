"""`twinmx-gate`: one worker, or a check of the settings."""

from pathlib import Path

from twinmx.gate.service import Worker
from twinmx.gate.settings import Settings
from twinmx.program import commandline
from twinmx.program.credentials import VALKEY, load_keys, load_password

SETTINGS = Path("/etc/twinmx/gate.toml")


def main() -> int:
    """Run the program; returns its exit status."""
    description = "Decide about mail within the SMTP session."
    return commandline.run("twinmx-gate", description, SETTINGS, Settings, _serve)


async def _serve(settings: Settings, number: int) -> None:
    await Worker(settings, load_keys()[0], load_password(VALKEY), number).run()
