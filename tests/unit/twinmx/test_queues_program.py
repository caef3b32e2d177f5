"""`twinmx-queues` as systemd starts it: what it shows of queues and log, and what when it cannot look."""

import asyncio
import math
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.twinmx.queued import GREYLISTED, REFUSED, Queued
from tests.unit.twinmx.supervised import Process, Supervised, free_port
from tests.unit.twinmx.test_queues_deliveries import FORWARDED, SENT
from tests.unit.twinmx.test_queues_journal import entry

DAY = 86400
HOUR = 3600

Sample = tuple[str, frozenset[tuple[str, str]]]


class QueuesProgram(Supervised):
    """Worker 1; `queued` is the Postfix it looks at."""

    def __init__(self, base: Path) -> None:
        self.port = free_port(1) + 1
        self.queued = Queued(base, self.port - 1)
        super().__init__("twinmx.queues.main", self.queued.settings, patience_seconds=20)
        self.environment["PATH"] = self.queued.path
        self.logged = base / "log"
        self.logged.touch()
        self.queued.program("journalctl", f"#!/bin/sh\nexec tail -n +1 -f {self.logged}\n")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Process]:
        process = await self.start("--worker", "1")
        try:
            await self.notified("READY=1")
            yield process
        finally:
            if process.returncode is None:
                process.terminate()  # or its journalctl would stay
                await process.communicate()

    async def page(self, path: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.port}{path}"
        async with aiohttp.ClientSession() as client, client.get(url) as response:
            return response.status, await response.text()

    async def samples(self) -> dict[Sample, float]:
        _, text = await self.page("/metrics")
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def figure(self, name: str, **labels: str) -> float | None:
        return (await self.samples()).get((f"twinmx_{name}", frozenset(labels.items())))

    async def until(self, wanted: float, name: str, **labels: str) -> None:
        """Wait until a figure is what it shall be."""
        async with asyncio.timeout(10):
            while (await self.figure(name, **labels)) != wanted:  # noqa: ASYNC110 - a metric sets no event
                await asyncio.sleep(0.02)


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[QueuesProgram]:
    program = QueuesProgram(tmp_path)
    queued = program.queued
    queued.hold("in", "A1", "shop@alias.example", age=90, reason=REFUSED)
    queued.hold("in", "A2", "shop@alias.example", age=2, queue="active")
    queued.hold("out", "B1", "eve@mailbox.example", age=2 * DAY, reason=GREYLISTED)
    queued.hold("out", "B2", "eve@mailbox.example", age=3 * HOUR, queue="hold")
    yield program
    program.close()


@pytest.fixture
async def process(program: QueuesProgram) -> AsyncIterator[Process]:
    async with program.running() as process:
        await program.until(1, "queue_messages", instance="in", queue="deferred")
        await program.until(1, "queue_messages", instance="out", queue="deferred")
        yield process


@pytest.mark.usefixtures("process")
async def test_what_waits_is_shown(program: QueuesProgram) -> None:
    figure = program.figure
    assert await figure("queue_messages", instance="in", queue="active") == 1
    assert await figure("queue_messages", instance="out", queue="hold") == 1
    assert await figure("queue_messages", instance="out", queue="incoming") == 0
    assert 90 <= (await figure("queue_oldest_seconds", instance="in", queue="deferred") or 0) < 120
    assert await figure("queue_oldest_seconds", instance="in", queue="incoming") == 0
    older = {
        seconds: await figure("queue_messages_older", instance="out", queue="hold", seconds=seconds)
        for seconds in ("60", "300", "1800", "7200", "86400")
    }
    assert older == {"60": 1, "300": 1, "1800": 1, "7200": 1, "86400": 0}
    assert await figure("queue_deferred_messages", instance="in", reason="ours") == 1
    assert await figure("queue_deferred_messages", instance="out", reason="greylisted") == 1
    assert await figure("queue_deferred_messages", instance="out", reason="limited") == 0
    assert (await figure("queue_free_bytes", instance="in") or 0) > 0
    assert (await figure("queue_free_inodes", instance="out") or 0) > 0
    assert await program.page("/healthz") == (200, "ok\n")


@pytest.mark.usefixtures("process")
async def test_what_is_gone_is_shown_no_more(program: QueuesProgram) -> None:
    (program.queued.base / "in" / "queue" / "A1").unlink()
    await program.until(0, "queue_messages", instance="in", queue="deferred")
    assert await program.figure("queue_oldest_seconds", instance="in", queue="deferred") == 0


@pytest.mark.parametrize("what", ["down", "hangs"])
async def test_one_queue_that_cannot_be_read_ages_alone(program: QueuesProgram, what: str) -> None:
    settings = program.settings.read_text()
    program.settings.write_text(settings.replace("read_seconds = 5", "read_seconds = 0.2"))
    async with program.running():
        await program.until(1, "queue_messages", instance="in", queue="deferred")
        program.queued.mark("in", what)
        async with asyncio.timeout(10):
            while (await program.figure("queue_read_errors_total", instance="in") or 0) < 1:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        program.queued.hold("out", "B3", "eve@mailbox.example")
        await program.until(2, "queue_messages", instance="out", queue="deferred")

        samples = await program.samples()
        ages = {
            name: samples["twinmx_queue_read_age_seconds", frozenset({("instance", name)})]
            for name in ("in", "out")
        }
        assert ages["in"] > ages["out"]
        assert await program.figure("queue_messages", instance="in", queue="deferred") == 1  # as last seen
        (program.queued.base / "in" / what).unlink()
        (program.queued.base / "in" / "queue" / "A1").unlink()
        await program.until(0, "queue_messages", instance="in", queue="deferred")


async def test_it_is_not_well_before_it_has_seen_both(program: QueuesProgram) -> None:
    program.queued.mark("out", "down")
    async with program.running():
        await program.until(1, "queue_messages", instance="in", queue="deferred")

        assert await program.page("/healthz") == (503, "never read: out\n")
        assert await program.figure("queue_read_age_seconds", instance="out") == float("inf")
        assert await program.figure("queue_messages", instance="out", queue="deferred") is None
        (program.queued.base / "out" / "down").unlink()
        await program.until(1, "queue_messages", instance="out", queue="deferred")
        assert await program.page("/healthz") == (200, "ok\n")


@pytest.mark.usefixtures("process")
async def test_deliveries_are_counted_from_the_log(program: QueuesProgram) -> None:
    canary = FORWARDED.replace("load14@alias.example", "canary-mx1@alias.example")
    with program.logged.open("a") as log:
        log.write(entry(FORWARDED, "postfix/fwd/smtp") + entry(canary, "postfix/fwd/smtp"))
        log.write(entry(SENT, "postfix-out/smtp"))
    await program.until(1, "deliveries_total", instance="out", transport="smtp", status="sent")

    assert await program.figure("deliveries_total", instance="in", transport="fwd", status="sent") == 1
    assert await program.figure("delivery_seconds_sum", instance="in", transport="fwd") == 0.07
    assert (await program.figure("log_read_age_seconds") or 99) < 10


async def test_a_disk_that_cannot_be_asked_spoils_no_other_figure(program: QueuesProgram) -> None:
    text = program.settings.read_text()
    program.settings.write_text(text.replace("/out/queue", "/nowhere"))
    async with program.running():
        await program.until(1, "queue_messages", instance="in", queue="deferred")

        assert math.isnan(await program.figure("queue_free_bytes", instance="out") or 0)


async def test_it_stops_at_once_and_leaves_nobody_behind(program: QueuesProgram, process: Process) -> None:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        _, stderr = await process.communicate()  # a child of its own would hold this open
    assert (process.returncode, stderr) == (0, b"")


async def test_settings_are_checked(program: QueuesProgram) -> None:
    program.settings.write_text(program.settings.read_text().replace("read_seconds = 5", "read_seconds = 0"))
    process = await program.start("--check")
    _, stderr = await process.communicate()
    assert process.returncode == 1
    assert b"timing.read_seconds = 0" in stderr
