"""`twinmx-canary`: the canary of this exchanger, or a check of the settings."""

from twinmx.canary.service import Canary
from twinmx.canary.settings import SETTINGS, Settings
from twinmx.program import commandline
from twinmx.program.credentials import load_keys


def main() -> int:
    """Run the program; returns its exit status."""
    description = "Send mail through each exchanger, and time its way."
    return commandline.run("twinmx-canary", description, SETTINGS, Settings, _serve)


async def _serve(settings: Settings, number: int) -> None:
    await Canary(settings, load_keys(), number).run()
