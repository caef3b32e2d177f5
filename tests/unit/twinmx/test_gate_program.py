"""The gate as systemd starts it: a process of its own, told to stop while it works."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.unit.twinmx.mta import Mta
from tests.unit.twinmx.supervised import Process, Supervised, ended, free_port

HELLO = "hello@alias.example"
SETTINGS = """
host = "mx1.alias.example"
listen = {{ address = "127.0.0.1", port = {port} }}
metrics = {{ address = "127.0.0.1", port_base = {metrics} }}
aliases = {{ snapshot = "{snapshot}" }}
recipients = {{ disabled_text = "5.1.1 switched off", mailbox_disabled_text = "5.2.1 nobody in" }}
spam = {{ engines = [], total_seconds = 5, reject_score = 15.0, max_scan_bytes = 1048576 }}
deadline = {{ command_seconds = 6, content_seconds = 30 }}
[limits]
alias = {{ count = 2, window_seconds = 600 }}
mailbox = {{ count = 5, window_seconds = 600 }}
answer = {answer}
text = "5.2.1 too many messages"
valkey = {{ socket = "{directory}/no-valkey", wait_seconds = 0.1 }}
"""


class GateProgram(Supervised):
    """Worker 1, with ports of its own; `snapshot` lies in its directory."""

    def __init__(self, snapshot: Path) -> None:
        directory = snapshot.parent
        self.port, self.metrics = free_port(), free_port(1)
        self.directory, self.snapshot = directory, snapshot
        (directory / "srs-keys").write_text("k" * 32 + "\n")
        (directory / "valkey").write_text("a password\n")
        super().__init__("twinmx.gate.main", directory / "gate.toml", patience_seconds=20)

    async def start(self, *arguments: str, answer: int = 550) -> Process:
        self.settings.write_text(
            SETTINGS.format(
                port=self.port,
                metrics=self.metrics,
                snapshot=self.snapshot,
                directory=self.directory,
                answer=answer,
            )
        )
        return await super().start(*(arguments or ("--worker", "1")))

    async def says(self, path: str) -> str:
        url = f"http://127.0.0.1:{self.metrics + 1}{path}"
        async with aiohttp.ClientSession() as client, client.get(url) as response:
            return await response.text()


@pytest.fixture
async def program(snapshot_path: Path) -> AsyncIterator[GateProgram]:
    program = GateProgram(snapshot_path)
    yield program
    program.close()


async def refused_in(program: GateProgram) -> list[bool]:
    """Which of three recipients of one alias are refused."""
    mta = await Mta.connect(program.port)
    await mta.mail()
    refused = [await mta.rcpt(HELLO) != "go on" for _ in range(3)]
    mta.close()
    return refused


async def test_a_worker_is_ready_serves_and_ends_what_it_has_begun(program: GateProgram) -> None:
    process = await program.start()
    try:
        await program.notified("READY=1")
        assert await program.says("/healthz") == "ok\n"
        mta = await Mta.connect(program.port)
        await mta.mail()
        assert await mta.rcpt(HELLO) == "go on"

        process.send_signal(signal.SIGTERM)
        await program.notified("STOPPING=1")

        inserted, last = await mta.data()
        assert inserted[1].startswith(b"\0\0\0\0X-Twinmx-Spam\0 ")
        assert last == (b"c", b"")
        mta.close()
        output, _ = await process.communicate()
        assert process.returncode == 0
        assert b'"queue_id": "4bXyZ1"' in output
    finally:
        await ended(process)


@pytest.mark.parametrize(("answer", "refused"), [(550, True), (450, False), (421, False)])
async def test_only_an_answer_that_is_final_is_given_before_the_queue(
    program: GateProgram, answer: int, refused: bool
) -> None:
    """450 and 421 replay the incident of June 2021, after the queue: that is for the forwarder."""
    process = await program.start(answer=answer)
    try:
        await program.notified("READY=1")
        assert await refused_in(program) == [False, False, refused]
    finally:
        await ended(process)


async def test_without_a_snapshot_it_says_that_it_is_not_well_and_refuses_nothing(
    program: GateProgram,
) -> None:
    program.snapshot.unlink()
    process = await program.start()
    try:
        await program.notified("READY=1")
        assert "aliases.lmdb" in await program.says("/healthz")
        assert await refused_in(program) == [False, False, False]
    finally:
        await ended(process)


@pytest.mark.parametrize("name", ["srs-keys", "valkey"])
async def test_without_a_secret_it_does_not_start_and_says_which(program: GateProgram, name: str) -> None:
    (program.directory / name).unlink()
    process = await program.start()
    _, errors = await process.communicate()

    assert process.returncode == 1
    assert errors.decode().startswith(f"{program.directory}/{name}: ")


async def test_a_check_of_the_settings_needs_no_secrets(program: GateProgram) -> None:
    (program.directory / "srs-keys").unlink()
    process = await program.start("--check")
    await process.communicate()

    assert process.returncode == 0
