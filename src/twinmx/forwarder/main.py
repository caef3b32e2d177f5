"""`twinmx-forwarder`: one worker, or a check of the settings."""

from twinmx.forwarder.service import Worker
from twinmx.forwarder.settings import SETTINGS, Settings
from twinmx.program import commandline
from twinmx.program.credentials import load_keys


def main() -> int:
    """Run the program; returns its exit status."""
    return commandline.run("twinmx-forwarder", "Forward mail for aliases.", SETTINGS, Settings, _serve)


async def _serve(settings: Settings, number: int) -> None:
    await Worker(settings, load_keys(), number).run()
