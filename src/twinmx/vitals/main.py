"""`twinmx-vitals`: the figures of this host, or a check of the settings."""

from twinmx.program import commandline
from twinmx.vitals.service import Vitals
from twinmx.vitals.settings import SETTINGS, Settings


def main() -> int:
    """Run the program; returns its exit status."""
    description = "Measure what no packaged exporter can read: Rspamd, and the host's resolver."
    return commandline.run("twinmx-vitals", description, SETTINGS, Settings, _serve)


async def _serve(settings: Settings, number: int) -> None:
    await Vitals(settings, number).run()
