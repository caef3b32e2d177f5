"""Two hosts in this process: real agents and real HTTP between them, on two addresses of loopback.

Their programs are small stand-ins that say what a test wants, and port 25 is a list of what nft was to do.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.unit.twinmx.failover_dns import SECRET
from tests.unit.twinmx.failover_settings import HOSTS, settings
from tests.unit.twinmx.supervised import free_port
from twinmx.failover import clock, lease
from twinmx.failover.service import SOCKET, Service
from twinmx.failover.settings import Settings
from twinmx.failover.state import State
from twinmx.failover.store import Store

PATIENCE_SECONDS = 20
KEYS = (b"k" * 32,)
IDLE = """twinmx_queue_read_age_seconds{instance="in"} 1
twinmx_queue_messages{instance="in",queue="incoming"} 0
twinmx_queue_messages{instance="in",queue="active"} 0
"""


@dataclass
class Programs:
    """What runs on a host beside the agent; `well` says whether the forwarder does."""

    address: str
    well: bool = True
    metrics: str = ""
    _runners: list[web.AppRunner] = field(default_factory=list)
    _smtp: asyncio.Server | None = None

    async def start(self, base: int, smtp_port: int) -> None:
        """Forwarder, gate, queues and canary on the ports behind `base`."""
        for port in range(base + 1, base + 5):
            application = web.Application()
            application.router.add_get("/healthz", self._healthz if port == base + 1 else self._ok)
            application.router.add_get("/metrics", self._metrics)
            application.router.add_get("/state", self._state)
            runner = web.AppRunner(application, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, self.address, port).start()
            self._runners.append(runner)
        self._smtp = await asyncio.start_server(self._greet, self.address, smtp_port)

    async def stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        if self._smtp:
            self._smtp.close()
        self._runners, self._smtp = [], None

    async def _ok(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(status=200 if self.well else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(text=IDLE + self.metrics)

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response({"via": {}})

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()


class HostUnderTest:
    """A host: its programs, its agent while it lives, its directory, and what was done to its port 25."""

    def __init__(self, name: str, directory: Path, base: int, **changes: Any) -> None:
        self.name = name
        self.directory = directory
        directory.mkdir()
        address = next(str(host["address"]) for host in HOSTS if host["name"] == name)
        self.programs = Programs(address)
        made = settings(str(directory), **changes)
        local = made.local.model_dump(mode="json") | {
            "forwarders": 1,
            "gates": 1,
            "forwarders_base": base,
            "gates_base": base + 1,
            "queues_port": base + 3,
            "canary_port": base + 4,
        }
        self.settings = Settings.model_validate(
            made.model_dump(mode="json")
            | {"name": name, "local": local, "metrics": {"address": address, "port_base": base + 4}}
        )
        self._stack: AsyncExitStack | None = None

    async def start(self) -> None:
        self._stack = AsyncExitStack()
        tsig = SECRET if self.settings.dns else None
        await Service(self.settings, KEYS, tsig, 1).start(self._stack)

    async def stop(self) -> None:
        if self._stack:
            await self._stack.aclose()
        self._stack = None

    @property
    def drained(self) -> bool:
        """As the forwarder sees it."""
        return lease.in_force(self.directory)

    @property
    def remembered(self) -> dict[str, Any]:
        """What is on disk."""
        found: dict[str, Any] = json.loads((self.directory / "state.json").read_text())
        return found

    async def operator(self, method: str, path: str, **order: object) -> tuple[int, dict[str, Any]]:
        """What `mxctl` would be answered on the socket."""
        connector = aiohttp.UnixConnector(str(self.directory / SOCKET))
        async with (
            aiohttp.ClientSession(connector=connector) as client,
            client.request(method, f"http://agent{path}", json=order or None) as response,
        ):
            return response.status, await response.json()

    async def state(self) -> dict[str, Any]:
        return (await self.operator("GET", "/state"))[1]

    async def page(self, path: str) -> str:
        """What monitors and peers are answered."""
        url = f"http://{self.programs.address}:{self.settings.port}{path}"
        async with aiohttp.ClientSession() as client, client.get(url) as response:
            return await response.text()


Closed = list[float | None]
"""What nft was told on either host: seconds that port 25 is closed, or None."""

Pair = tuple[HostUnderTest, HostUnderTest]


@asynccontextmanager
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> AsyncIterator[Pair]:
    base, smtp = free_port(6), free_port()
    monkeypatch.setattr(Settings, "smtp_port", smtp)
    hosts = tuple(HostUnderTest(name, tmp_path / name, base, **changes) for name in ("mx1", "mx2"))
    for host in hosts:
        await host.programs.start(base, smtp)
        Store(host.directory, host.directory, clock.boot_id()).save(
            State()
        )  # a new agent waits: it may have promised
        await host.start()
    for host in hosts:
        await until(lambda host=host: _is_ready(host))  # type: ignore[misc]
    yield hosts[0], hosts[1]
    for host in hosts:
        await host.stop()
        await host.programs.stop()


async def _is_ready(host: HostUnderTest) -> bool:
    """Whether it is well, and knows that the other is."""
    state = await host.state()
    return bool(state["promises"] and all(peer["fit"] for peer in state["peers"].values()))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - what it waits for is behind a socket
            await asyncio.sleep(0.02)


async def is_(host: HostUnderTest, *phases: str) -> bool:
    return (await host.state())["state"] in phases


async def has_done(host: HostUnderTest, *acts: str) -> bool:
    return [act["name"] for act in (await host.state())["acts"]] == list(acts)


async def says(host: HostUnderTest, text: str) -> bool:
    return text in await host.page("/")


async def exposes(host: HostUnderTest, line: str) -> bool:
    return line in await host.page("/metrics")
