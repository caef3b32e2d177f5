"""Rspamd's own figures, read from its controller.

The controller takes commands from whoever reaches it, so it has no port but a socket for root and Rspamd.
What it says at /metrics is passed on here, and nothing else of it can be asked for.
"""

from collections.abc import Iterator
from pathlib import Path

import aiohttp
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

_MOST_BYTES = 1 << 20
_OK = 200


class RspamdError(Exception):
    """Rspamd has not told its figures."""


class RspamdFigures(Collector):
    """Rspamd's figures as they were last read, with `twinmx_rspamd_up`; none of an Rspamd that is away."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._figures: list[Metric] | None = None

    async def read(self) -> None:
        """Ask Rspamd; raises `RspamdError`. The caller ends it where it takes too long."""
        figures = None
        try:
            figures = await self._ask()
        finally:
            self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """What the registry serves."""
        yield GaugeMetricFamily(
            "twinmx_rspamd_up", "1 where Rspamd's controller answers", value=self._figures is not None
        )
        yield from self._figures or []

    async def _ask(self) -> list[Metric]:
        connector = aiohttp.UnixConnector(path=str(self._socket))
        try:
            async with (
                aiohttp.ClientSession(connector=connector) as client,
                client.get("http://rspamd/metrics") as response,
            ):
                body = await response.content.read(_MOST_BYTES)
                if response.status != _OK:
                    raise RspamdError(f"status {response.status}")
            return list(text_string_to_metric_families(body.decode()))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise RspamdError(repr(error)) from error
