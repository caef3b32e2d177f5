"""Figures of Rspamd and of the resolver, read from real servers on a socket of the test's own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import aiohttp
import dns.message
import dns.rcode
import pytest
from aiohttp import web
from dns.asyncresolver import Resolver
from prometheus_client import CollectorRegistry, generate_latest

from tests.unit.twinmx.supervised import Supervised, ended, free_port
from twinmx.vitals.resolver import ResolverError, ResolverProbe
from twinmx.vitals.rspamd import RspamdError, RspamdFigures

FIGURES = """\
# HELP rspamd_scanned_total Scanned messages.
# TYPE rspamd_scanned_total counter
rspamd_scanned_total 5606
# HELP rspamd_actions_total Total labelled by action.
# TYPE rspamd_actions_total counter
rspamd_actions_total{type="reject"} 7
"""
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Controller:
    """Rspamd's controller, as far as /metrics goes; `text` and `status` are what it answers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text, self.status = FIGURES, 200
        self.asked: list[str] = []
        self.free = asyncio.Event()
        self.free.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        await self.free.wait()
        return web.Response(text=self.text, status=self.status)


@pytest.fixture
async def controller(tmp_path: Path) -> AsyncIterator[Controller]:
    controller = Controller(tmp_path / "controller.sock")
    application = web.Application()
    application.router.add_get("/{any:.*}", controller.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(controller.path)).start()
    yield controller
    controller.free.set()
    await runner.cleanup()


def served(figures: RspamdFigures) -> str:
    registry = CollectorRegistry()
    registry.register(figures)
    return generate_latest(registry).decode()


async def test_rspamds_figures_are_passed_on(controller: Controller) -> None:
    figures = RspamdFigures(controller.path)

    await figures.read()

    shown = served(figures).splitlines()
    assert "twinmx_rspamd_up 1.0" in shown
    assert "rspamd_scanned_total 5606.0" in shown
    assert 'rspamd_actions_total{type="reject"} 7.0' in shown
    assert controller.asked == ["/metrics"]


@pytest.mark.parametrize(
    ("text", "status"), [("no metrics {", 200), (FIGURES, 403)], ids=["garbage", "refused"]
)
async def test_what_rspamd_said_before_is_not_told_again(
    controller: Controller, text: str, status: int
) -> None:
    figures = RspamdFigures(controller.path)
    await figures.read()
    controller.text, controller.status = text, status

    with pytest.raises(RspamdError):
        await figures.read()

    assert "twinmx_rspamd_up 0.0" in served(figures)
    assert "rspamd_scanned_total" not in served(figures)


async def test_an_rspamd_that_hangs_or_is_gone_is_away(controller: Controller, tmp_path: Path) -> None:
    figures = RspamdFigures(controller.path)
    await figures.read()
    controller.free.clear()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await figures.read()
    assert "twinmx_rspamd_up 0.0" in served(figures)

    gone = RspamdFigures(tmp_path / "nobody.sock")
    with pytest.raises(RspamdError):
        await gone.read()
    assert "twinmx_rspamd_up 0.0" in served(gone)


class NameServer(asyncio.DatagramProtocol):
    """Answers every question with `rcode` and no record; with None, not at all."""

    rcode: dns.rcode.Rcode | None = dns.rcode.NOERROR

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.questions: list[str] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        self.questions.append(str(question.question[0]))
        if self.rcode is not None:
            answer = dns.message.make_response(question)
            answer.set_rcode(self.rcode)
            cast(asyncio.DatagramTransport, self.transport).sendto(answer.to_wire(), addr)


@pytest.fixture
async def name_server() -> AsyncIterator[NameServer]:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, ("127.0.0.1", 0), family=socket.AF_INET
    )
    yield server
    transport.close()


def probe(server: NameServer, registry: CollectorRegistry, seconds: float = 5) -> ResolverProbe:
    def resolver() -> Resolver:
        made = Resolver(configure=False)
        made.nameservers = ["127.0.0.1"]
        made.port = server.transport.get_extra_info("sockname")[1]
        return made

    return ResolverProbe("alias.example", seconds, registry, resolver)


@pytest.mark.parametrize("rcode", [dns.rcode.NOERROR, dns.rcode.NXDOMAIN])
async def test_an_answer_is_timed_whatever_it_says(name_server: NameServer, rcode: dns.rcode.Rcode) -> None:
    registry = CollectorRegistry()
    name_server.rcode = rcode

    await probe(name_server, registry).ask()

    assert 0 < (registry.get_sample_value("twinmx_resolver_seconds") or 0) < 5
    assert name_server.questions == ["alias.example. IN MX"]


@pytest.mark.parametrize("rcode", [None, dns.rcode.SERVFAIL], ids=["silent", "SERVFAIL"])
async def test_a_resolver_that_cannot_say_takes_for_ever(
    name_server: NameServer, rcode: dns.rcode.Rcode | None
) -> None:
    registry = CollectorRegistry()
    name_server.rcode = rcode

    with pytest.raises(ResolverError):
        await probe(name_server, registry, seconds=0.2).ask()

    assert registry.get_sample_value("twinmx_resolver_seconds") == float("inf")


async def test_the_program_serves_both_and_ends_when_told(controller: Controller, tmp_path: Path) -> None:
    port = free_port(1)
    settings = tmp_path / "vitals.toml"
    settings.write_text(
        f'period_seconds = 0.05\n[rspamd]\nsocket = "{controller.path}"\n'
        f'[resolver]\ndomain = "alias.example"\n[metrics]\naddress = "127.0.0.1"\nport_base = {port}\n'
    )
    program = Supervised("twinmx.vitals.main", settings, patience_seconds=20)
    async with AsyncExitStack() as stack:
        stack.callback(program.close)
        process = await program.start("--worker", "1")
        stack.push_async_callback(ended, process)
        await program.notified("READY=1")
        async with aiohttp.ClientSession() as client, asyncio.timeout(20):
            shown = ""
            while "rspamd_scanned_total 5606.0" not in shown:
                async with client.get(f"http://127.0.0.1:{port + 1}/metrics") as response:
                    shown = await response.text()
        assert "twinmx_resolver_seconds" in shown
        process.terminate()
        await program.notified("STOPPING=1")
        await process.communicate()
        assert process.returncode == 0
