"""`twinmx-dane`: tells Postfix which receivers have DANE, or checks the settings."""

from contextlib import AsyncExitStack

from twinmx.dane.lookup import Asker, policy
from twinmx.dane.settings import SETTINGS, Settings
from twinmx.program import commandline
from twinmx.program.life import live
from twinmx.socketmap import SocketmapServer

MAP = "dane"
ADDRESS = "127.0.0.1"


def main() -> int:
    """Run the program; returns its exit status."""
    description = "Tell Postfix, by socketmap, which receivers have DANE."
    return commandline.run("twinmx-dane", description, SETTINGS, Settings, serve)


async def serve(settings: Settings, number: int) -> None:
    """Answer until SIGTERM or SIGINT; raises `OSError` where the port cannot be had."""
    place = settings.resolver
    asker = Asker(str(place.address), place.port, place.seconds)

    async def start(stack: AsyncExitStack) -> None:
        server = SocketmapServer({MAP: lambda nexthop: policy(nexthop, asker.ask)})
        stack.callback(server.close)
        await server.listen(ADDRESS, settings.port)

    await live(number, start)
