"""The canary as systemd starts it: a process of its own."""

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.unit.twinmx.supervised import Process, Supervised, ended, free_port

SETTINGS = """
name = "mx1"
host = "mx1.alias.example"
alias = "canary-mx1@alias.example"
reject_score = 15.0
[listen]
address = "127.0.0.1"
port = {port}
greeting = "canary.mx1.alias.example"
mailbox = "canary@mx1.canary.invalid"
clients = ["127.0.0.1"]
[send]
source = "127.0.0.1"
port = {nobody}
interval_seconds = 0.1
handover_seconds = {handover}
lost_after_seconds = 2
gtube_seconds = 3600
exchangers = {{ mx1 = "127.0.0.1" }}
[metrics]
address = "127.0.0.1"
port_base = {metrics}
"""


class CanaryProgram(Supervised):
    """The program; nobody listens at the port that it sends to."""

    def __init__(self, directory: Path) -> None:
        self.metrics = free_port(1)
        (directory / "srs-keys").write_text("k" * 32 + "\n")
        super().__init__("twinmx.canary.main", directory / "canary.toml", patience_seconds=20)

    async def start(self, *arguments: str, handover: float = 1) -> Process:
        port, nobody = free_port(), free_port()
        self.settings.write_text(
            SETTINGS.format(port=port, nobody=nobody, metrics=self.metrics, handover=handover)
        )
        return await super().start(*(arguments or ("--worker", "1")))

    async def says(self, path: str) -> str:
        url = f"http://127.0.0.1:{self.metrics + 1}{path}"
        async with aiohttp.ClientSession() as client, client.get(url) as response:
            return await response.text()


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[CanaryProgram]:
    program = CanaryProgram(tmp_path)
    yield program
    program.close()


async def test_it_is_well_while_every_exchanger_is_away_and_stops_at_once(program: CanaryProgram) -> None:
    process = await program.start()
    try:
        await program.notified("READY=1")
        assert await program.says("/healthz") == "ok\n"
        while not json.loads(await program.says("/state"))["via"]["mx1"]["delays"]:
            pass
        process.send_signal(signal.SIGTERM)
        await program.notified("STOPPING=1")
        output, _ = await process.communicate()
    finally:
        await ended(process)

    assert process.returncode == 0
    lines = [json.loads(line) for line in output.splitlines()]
    assert {"event": "refused", "via": "mx1"}.items() <= lines[1].items()
    assert not [line for line in lines if line["level"] == "error"]


async def test_without_its_keys_it_does_not_start_and_says_so(program: CanaryProgram) -> None:
    (program.settings.parent / "srs-keys").unlink()
    process = await program.start()
    _, errors = await process.communicate()

    assert process.returncode == 1
    assert errors.decode().startswith(f"{program.settings.parent}/srs-keys: ")


@pytest.mark.parametrize(("handover", "status"), [(1, 0), (2, 1)])
async def test_a_check_needs_no_keys_and_knows_times_that_do_not_fit(
    program: CanaryProgram, handover: float, status: int
) -> None:
    (program.settings.parent / "srs-keys").unlink()
    process = await program.start("--check", handover=handover)
    _, errors = await process.communicate()

    assert process.returncode == status
    assert (b"handover_seconds 2 must be less than lost_after_seconds 2" in errors) is bool(status)
