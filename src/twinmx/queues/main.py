"""`twinmx-queues`: the metrics of Postfix's queues, or a check of the settings."""

from twinmx.program import commandline
from twinmx.queues.service import Queues
from twinmx.queues.settings import SETTINGS, Settings


def main() -> int:
    """Run the program; returns its exit status."""
    description = "Measure what waits in Postfix's queues, and how long mail takes."
    return commandline.run("twinmx-queues", description, SETTINGS, Settings, _serve)


async def _serve(settings: Settings, number: int) -> None:
    await Queues(settings, number).run()
