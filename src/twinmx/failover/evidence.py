"""What can be learnt in one period, asked of every program at once, each with little patience.

Nothing here judges: what does not answer is None, or not among those that are well, and `rules` says what
that means. The metrics are those that monitors read, but they are read here directly (docs/adr/0016).
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated

import aiohttp
from pydantic import BaseModel, Field, ValidationError

from twinmx.failover.samples import Samples
from twinmx.failover.settings import Settings

SCANS = "twinmx_spam_scans_total"
BREAKER = "twinmx_spam_breaker_state"
PENDING = "twinmx_queue_messages_older"
QUEUED = "twinmx_queue_messages"
DELIVERIES = "twinmx_deliveries_total"
FREE_BYTES = "twinmx_queue_free_bytes"
FREE_INODES = "twinmx_queue_free_inodes"
READ_AGE = "twinmx_queue_read_age_seconds"
SCAN_SECONDS = "twinmx_spam_scan_seconds_bucket"
REFUSED = "twinmx_gate_limited_total"
ALONE = "twinmx_limits_local"
_OF_WORKERS = (SCANS, BREAKER, SCAN_SECONDS, REFUSED, ALONE)
_OF_QUEUES = (PENDING, QUEUED, DELIVERIES, FREE_BYTES, FREE_INODES, READ_AGE)
_MAX_BYTES = 4 << 20
_READY = b"220"


class Way(BaseModel):
    """The way through one exchanger: its last delays in seconds (None: lost), the longest wait now."""

    delays: Annotated[list[float | None], Field(max_length=1000)] = []
    waiting: float = 0.0


class CanaryState(BaseModel):
    """What a canary says: exchanger → the way through it."""

    via: dict[str, Way] = {}


class PeerState(BaseModel):
    """What we need of a peer agent's /state. promises: whether it would promise not to drain.

    figures: `deliveries` and `deferred` of its postfix-out in the window of its rule.
    """

    promises: bool
    demoted: frozenset[str]
    figures: dict[str, float] = {}


@dataclass(frozen=True)
class Neighbour:
    """What a peer lets us see: its agent's state, and whether its port 25 greets.

    said: all of the state, for the status page; only where `state` is known.
    """

    state: PeerState | None = None
    greets: bool = False
    said: bytes = b""


@dataclass(frozen=True)
class Evidence:
    """One period. forwarders, gates: workers that say they are well; of `workers` the samples by address."""

    at: float
    forwarders: int = 0
    gates: int = 0
    greets: bool = False
    workers: Mapping[str, Samples] = field(default_factory=dict)
    queues: Samples | None = None
    canaries: Mapping[str, CanaryState | None] = field(default_factory=dict)
    peers: Mapping[str, Neighbour] = field(default_factory=dict)


class Gatherer:
    """Asks the programs that `settings` name."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._patience = settings.timing.patience_seconds

    async def gather(self, at: float) -> Evidence:
        """Return what can be learnt now; takes no longer than the patience, and never raises."""
        local, me = self._settings.local, str(self._settings.me.address)
        forwarders = [f"{me}:{local.forwarders_base + number}" for number in range(1, local.forwarders + 1)]
        gates = [f"{me}:{local.gates_base + number}" for number in range(1, local.gates + 1)]
        hosts, peers = self._settings.hosts, self._settings.peers
        async with asyncio.TaskGroup() as group:
            well = {place: group.create_task(self._is_well(place)) for place in (*forwarders, *gates)}
            scans = {
                place: group.create_task(self._samples(place, _OF_WORKERS)) for place in (*forwarders, *gates)
            }
            queues = group.create_task(self._samples(f"{me}:{local.queues_port}", _OF_QUEUES))
            greets = group.create_task(self._greets("127.0.0.1"))
            canaries = {
                host.name: group.create_task(self._canary(f"{host.address}:{local.canary_port}"))
                for host in hosts
            }
            neighbours = {host.name: group.create_task(self._neighbour(str(host.address))) for host in peers}
        return Evidence(
            at=at,
            forwarders=sum(well[place].result() for place in forwarders),
            gates=sum(well[place].result() for place in gates),
            greets=greets.result(),
            workers={place: found for place, task in scans.items() if (found := task.result())},
            queues=queues.result(),
            canaries={name: task.result() for name, task in canaries.items()},
            peers={name: task.result() for name, task in neighbours.items()},
        )

    async def _get(self, url: str) -> bytes | None:
        """The body of a page that is answered with 200 in time; else None."""
        try:
            async with asyncio.timeout(self._patience), self._session.get(url) as response:
                body = await response.content.read(_MAX_BYTES)
                while not response.content.at_eof() and len(body) < _MAX_BYTES:
                    body += await response.content.read(_MAX_BYTES)
                return body if response.status == 200 else None  # noqa: PLR2004 - HTTP
        except (TimeoutError, aiohttp.ClientError, OSError):
            return None

    async def _is_well(self, place: str) -> bool:
        return await self._get(f"http://{place}/healthz") is not None

    async def _samples(self, place: str, names: tuple[str, ...]) -> Samples | None:
        text = await self._get(f"http://{place}/metrics")
        if text is None:
            return None
        try:
            return Samples.parse(text.decode(errors="replace"), names)
        except ValueError:
            return None

    async def _canary(self, place: str) -> CanaryState | None:
        text = await self._get(f"http://{place}/state")
        with suppress(ValidationError):
            return None if text is None else CanaryState.model_validate_json(text)
        return None

    async def _neighbour(self, address: str) -> Neighbour:
        text, greets = await asyncio.gather(
            self._get(f"http://{address}:{self._settings.port}/state"), self._greets(address)
        )
        with suppress(ValidationError):
            if text is not None:
                return Neighbour(PeerState.model_validate_json(text), greets, text)
        return Neighbour(None, greets)

    async def _greets(self, address: str) -> bool:
        """Whether port 25 answers with 220 (RFC 5321, 4.2)."""
        writer = None
        try:
            async with asyncio.timeout(self._patience):
                reader, writer = await asyncio.open_connection(address, self._settings.smtp_port)
                greeting = await reader.read(3)
                writer.write(b"QUIT\r\n")
                return greeting == _READY
        except (TimeoutError, OSError):
            return False
        finally:
            if writer is not None:
                writer.close()
