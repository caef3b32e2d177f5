"""`twinmx-failover`: the agent of this host, or a check of its settings."""

from twinmx.failover.service import Service
from twinmx.failover.settings import SETTINGS, TSIG_CREDENTIAL, Settings
from twinmx.program import commandline
from twinmx.program.credentials import load_keys, load_password


def main() -> int:
    """Run the program; returns its exit status."""
    description = "Take this host out of service while it is sick and its peer is not."
    return commandline.run("twinmx-failover", description, SETTINGS, Settings, _serve)


async def _serve(settings: Settings, number: int) -> None:
    tsig = load_password(TSIG_CREDENTIAL) if settings.dns else None
    await Service(settings, load_keys(), tsig, number).run()
