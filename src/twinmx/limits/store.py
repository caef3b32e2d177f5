"""The windows in Valkey, through its own client library; every call here may fail or take for ever."""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from valkey.asyncio import Valkey
from valkey.asyncio.connection import BlockingConnectionPool, SSLConnection, UnixDomainSocketConnection

from twinmx.limits import scripts
from twinmx.limits.keys import Keys
from twinmx.limits.settings import Limits, Window, bounces
from twinmx.limits.settings import Valkey as Place

USER = "twinmx"
CONNECTIONS = 8  # of one worker; a burst waits for a free one rather than open hundreds
MICROSECONDS = 1_000_000


class Decided(NamedTuple):
    """Valkey's answer: the number of the window that is full (0: none), and the time it was counted at."""

    window: int
    stamp: int


class PinnedConnection(SSLConnection):
    """TLS with a server that is known by its one certificate, whatever authority may have signed it."""

    def __init__(self, *, certificate: Path, **settings: Any) -> None:
        super().__init__(**settings)
        self._certificate = certificate

    def _connection_arguments(self) -> Mapping[str, Any]:
        self.ssl_context.context = _trusting(self._certificate)  # read anew: it may have been renewed
        return super()._connection_arguments()


def _trusting(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the file names the certificate itself, which says more than a name
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cafile=certificate)
    return context


def client(place: Place, password: str) -> Valkey:
    """A client that gives up only when it is told to."""
    login: dict[str, Any] = {
        "username": USER,
        "password": password,
        "socket_timeout": None,
        "lib_name": None,
        "lib_version": None,
    }
    if place.socket is not None:
        kind: dict[str, Any] = {"connection_class": UnixDomainSocketConnection, "path": str(place.socket)}
    else:
        kind = {
            "connection_class": PinnedConnection,
            "host": str(place.address),
            "port": place.port,
            "certificate": place.certificate,
            "socket_keepalive": True,
        }
    return Valkey(
        connection_pool=BlockingConnectionPool(max_connections=CONNECTIONS, timeout=None, **kind, **login)
    )


class Store:
    """The scripts, called; raises what the client library raises."""

    def __init__(self, settings: Limits, password: str) -> None:
        self._client = client(settings.valkey, password)
        self._alias = _arguments(settings.alias)
        self._bounce = _arguments(bounces(settings.alias))
        self._mailbox = _arguments(settings.mailbox)
        self._admit = self._client.register_script(scripts.ADMIT)
        self._take_back = self._client.register_script(scripts.TAKE_BACK)
        self._add_up = self._client.register_script(scripts.ADD_UP)

    async def admit(self, keys: Keys) -> Decided:
        """Count a message in all windows of `keys`, or in none where one is full."""
        arguments = (self._bounce if keys.bounce else self._alias) + self._mailbox * len(keys.mailboxes)
        window, stamp = await self._admit(keys=keys.windows, args=arguments)
        return Decided(int(window), int(stamp))

    async def take_back(self, keys: Keys, stamp: int) -> None:
        """Take the message counted at `stamp` out of all windows of `keys`."""
        await self._take_back(keys=keys.windows, args=[stamp])

    async def add_up(self, bucket: str, most: int, seconds: int, added: Mapping[str, int]) -> None:
        """Add numbers to the fields of a hash of at most `most`; those without room to their first letter."""
        pairs = [part for field, number in added.items() for part in (field, number)]
        await self._add_up(keys=[bucket], args=[most, seconds, *pairs])

    async def probe(self) -> None:
        """Do what a message asks for, with no window; then have every connection ready, TLS and all."""
        await self._admit(keys=[], args=[])
        await asyncio.gather(*(self._admit(keys=[], args=[]) for _ in range(CONNECTIONS)))

    async def close(self) -> None:
        """Disconnect."""
        await self._client.aclose(close_connection_pool=True)


def _arguments(window: Window) -> list[int]:
    return [window.count, window.window_seconds * MICROSECONDS]
