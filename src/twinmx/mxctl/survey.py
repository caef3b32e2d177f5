"""Ask every program of every exchanger at once, each for two seconds at most.

What does not answer is None in the report; so a host that is away costs two seconds, and no error.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Iterable
from typing import TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from twinmx.aliases.database import settings as database
from twinmx.failover.evidence import BREAKER, QUEUED, READ_AGE, CanaryState
from twinmx.failover.samples import Samples
from twinmx.failover.settings import Host, Settings
from twinmx.mxctl.agent import PATIENCE_SECONDS, Refused, Silent, ask
from twinmx.mxctl.report import (
    AgentState,
    Breakers,
    Engine,
    EngineOrder,
    HostReport,
    Limits,
    Queue,
    Report,
    Snapshot,
    Told,
    Way,
    Workers,
)
from twinmx.program.settings import SettingsError, load_settings
from twinmx.spam.overrides import Orders, OverridesError, in_force, read

OLDEST = "twinmx_queue_oldest_seconds"
LOCAL = "twinmx_limits_local"
ALIASES = "twinmx_aliases_snapshot_aliases"
SNAPSHOT_AGE = "twinmx_aliases_snapshot_age_seconds"
SOURCE_AGE = "twinmx_aliases_source_age_seconds"
FAULT = "twinmx_failover_fault"
_OF_QUEUES = (QUEUED, OLDEST, READ_AGE)
_OF_WORKERS = (BREAKER, LOCAL, ALIASES, SNAPSHOT_AGE)
_SHOWN_ACTS = 8
_OK = 200

Model = TypeVar("Model", bound=BaseModel)


async def survey(settings: Settings) -> Report:
    """Return what can be learnt now; raises nothing."""
    async with aiohttp.ClientSession() as session:
        asking = Asking(settings, session)
        found = await asyncio.gather(*(asking.host(host) for host in settings.hosts))
    told = {host.name: state for host, (state, _) in zip(settings.hosts, found, strict=True) if state}
    own_first = sorted(told, key=lambda name: name != settings.name)
    acts = [act.model_copy(update={"host": name}) for name, state in told.items() for act in state.acts]
    return Report(
        at=time.time(),
        host=settings.name,
        mx=next((told[name].mx for name in own_first if told[name].mx), {}),
        hosts={host.name: report for host, (_, report) in zip(settings.hosts, found, strict=True)},
        acts=sorted(acts, key=lambda act: -act.at)[:_SHOWN_ACTS],
    )


async def inbound(settings: Settings) -> Queue | None:
    """The inbound queue of this host; None where its figures are not to be had."""
    async with aiohttp.ClientSession() as session:
        return (await Asking(settings, session).queues(settings.me) or {}).get("in")


class Asking:
    """Puts the questions of one survey."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._source_port = _source_port()

    async def host(self, host: Host) -> tuple[Told | None, HostReport]:
        """What the programs of `host` say."""
        local = self._settings.local
        forwarders = _workers(host, local.forwarders_base, local.forwarders)
        gates = _workers(host, local.gates_base, local.gates)
        told, queues, canary, source, well, samples = await asyncio.gather(
            self._agent(host),
            self.queues(host),
            self._canary(host),
            self._source_age(host),
            _all(self._page(f"http://{place}/healthz") for place in (*forwarders, *gates)),
            _all(self._samples(place, _OF_WORKERS) for place in (*forwarders, *gates)),
        )
        ups = [page is not None for page in well]
        seen = [one for one in samples if one is not None]
        report = HostReport(
            fqdn=host.fqdn,
            agent=None if told is None else AgentState.model_validate(told.model_dump()),
            forwarders=Workers(up=sum(ups[: len(forwarders)]), of=len(forwarders)),
            gates=Workers(up=sum(ups[len(forwarders) :]), of=len(gates)),
            queues=queues,
            canary=canary,
            engines=self._engines(host, told, seen),
            limits=_limits(seen),
            snapshot=_snapshot(seen, source),
        )
        return told, report

    async def queues(self, host: Host) -> dict[str, Queue] | None:
        """Both instances' queues, or None."""
        samples = await self._samples(f"{host.address}:{self._settings.local.queues_port}", _OF_QUEUES)
        if samples is None:
            return None
        return {str(name): _queue(samples, str(name)) for name in ("in", "out")}

    async def _agent(self, host: Host) -> Told | None:
        """An agent's state, and those of its faults that only its metrics know (DNS)."""
        place = f"{host.address}:{self._settings.port}"
        told, samples = await asyncio.gather(self._state(host, place), self._samples(place, (FAULT,)))
        if told is None:
            return None
        failing = [
            labels.get("what", "") for labels, value in (samples.of(FAULT) if samples else []) if value
        ]
        return told.model_copy(update={"faults": dict.fromkeys(failing, "see its log") | told.faults})

    async def _state(self, host: Host, place: str) -> Told | None:
        if host.name != self._settings.name:
            return _read(Told, await self._page(f"http://{place}/state"))
        try:
            return Told.model_validate(await ask(self._settings, "/state"))
        except (Silent, Refused, ValidationError):
            return None

    async def _canary(self, host: Host) -> dict[str, Way] | None:
        page = await self._page(f"http://{host.address}:{self._settings.local.canary_port}/state")
        state = _read(CanaryState, page)
        if state is None:
            return None
        return {
            via: Way(
                last_seconds=way.delays[-1] if way.delays else None,
                known=len(way.delays),
                lost=way.delays.count(None),
                waiting_seconds=way.waiting,
            )
            for via, way in state.via.items()
        }

    async def _source_age(self, host: Host) -> float | None:
        """Infinite where a database is followed and nobody says how old it is."""
        if self._source_port is None:
            return None
        samples = await self._samples(f"{host.address}:{self._source_port}", (SOURCE_AGE,))
        age = samples.total(SOURCE_AGE) if samples else None
        return math.inf if age is None else age

    def _engines(self, host: Host, told: Told | None, seen: list[Samples]) -> list[Engine]:
        orders = _orders(self._settings) if host.name == self._settings.name else {}
        bypassed = told.bypassed if told else {}
        engines = [
            Engine(
                name=name,
                breakers=_breakers(seen, name),
                bypassed_until=bypassed.get(name),
                order=EngineOrder.model_validate(orders[name].model_dump()) if name in orders else None,
            )
            for name in self._settings.local.engines
        ]
        return sorted(engines, key=lambda engine: engine.order is None or engine.order.act != "use")

    async def _samples(self, place: str, names: tuple[str, ...]) -> Samples | None:
        page = await self._page(f"http://{place}/metrics")
        try:
            return None if page is None else Samples.parse(page.decode(errors="replace"), names)
        except ValueError:
            return None

    async def _page(self, url: str) -> bytes | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._session.get(url) as response:
                return await response.read() if response.status == _OK else None
        except (TimeoutError, OSError, aiohttp.ClientError):
            return None


T = TypeVar("T")


async def _all(questions: Iterable[Awaitable[T]]) -> list[T]:
    return list(await asyncio.gather(*questions))


def _workers(host: Host, base: int, number: int) -> list[str]:
    return [f"{host.address}:{base + worker}" for worker in range(1, number + 1)]


def _read(model: type[Model], page: bytes | None) -> Model | None:
    try:
        return None if page is None else model.model_validate_json(page)
    except ValidationError:
        return None


def _queue(samples: Samples, instance: str) -> Queue:
    counted = {
        name: int(samples.total(QUEUED, instance=instance, queue=name) or 0)
        for name in ("incoming", "active", "deferred", "hold")
    }
    ages = [age for labels, age in samples.of(OLDEST, instance=instance) if labels.get("queue") != "hold"]
    read_age = samples.total(READ_AGE, instance=instance)
    return Queue(
        **counted,
        oldest_seconds=max(ages, default=0.0),
        read_age_seconds=math.inf if read_age is None else read_age,
    )


def _breakers(seen: list[Samples], engine: str) -> Breakers:
    states = [value for samples in seen for _, value in samples.of(BREAKER, engine=engine)]
    return Breakers(closed=states.count(0), open=states.count(1), half_open=states.count(2))


def _limits(seen: list[Samples]) -> Limits | None:
    states = [value for samples in seen for _, value in samples.of(LOCAL)]
    return Limits(local=sum(value > 0 for value in states), of=len(states)) if states else None


def _snapshot(seen: list[Samples], source: float | None) -> Snapshot | None:
    ages = [age for samples in seen for _, age in samples.of(SNAPSHOT_AGE) if not math.isnan(age)]
    aliases = [number for samples in seen for _, number in samples.of(ALIASES) if not math.isnan(number)]
    if not ages or not aliases:
        return None
    return Snapshot(aliases=int(max(aliases)), age_seconds=max(ages), source_age_seconds=source)


def _orders(settings: Settings) -> Orders:
    try:
        return in_force(read(settings.local.overrides), time.time())
    except OverridesError:
        return {}


def _source_port() -> int | None:
    """Where the follower of the database answers; None where there is none."""
    try:
        return load_settings(database.SETTINGS, database.Settings).metrics.port_base + 1
    except SettingsError:
        return None
