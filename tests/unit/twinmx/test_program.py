"""The forwarder as systemd starts it: a process of its own, told to stop while it works."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import aiohttp
import pytest

from tests.unit.twinmx.forwarder_program import KEY, ForwarderProgram
from tests.unit.twinmx.peers import Raw, Sink
from tests.unit.twinmx.supervised import Process, ended
from twinmx.srs import Srs


@pytest.fixture
async def worker(program: ForwarderProgram) -> AsyncIterator[Process]:
    async with AsyncExitStack() as stack:
        process = await program.start("--worker", "1")
        stack.push_async_callback(ended, process)
        await program.notified("READY=1")
        yield process


async def test_a_life_from_ready_to_a_graceful_end(
    program: ForwarderProgram, worker: Process, sink: Sink
) -> None:
    await program.notified("WATCHDOG=1")
    raw = await Raw.connect(program.port)
    await raw.ask("EHLO mx1.alias.example")
    rcpt = b"RCPT TO:<hello@alias.example>\r\n"
    await raw.send(b"MAIL FROM:<a@sender.example>\r\n" + rcpt + rcpt + b"DATA\r\n")
    assert [reply[:3] for reply in await raw.replies(4)] == ["250", "250", "452", "354"]
    worker.send_signal(signal.SIGTERM)
    await program.notified("STOPPING=1")
    await raw.send(b"Subject: last\r\n\r\nx\r\n.\r\n")
    assert await raw.reply() == "250 2.0.0 queued as SINK"
    assert (await raw.reply()).startswith("421 4.3.2")
    async with asyncio.timeout(10):
        stdout, stderr = await worker.communicate()
    assert (worker.returncode, stderr) == (0, b"")
    assert b'"outcome": "forwarded"' in stdout
    assert len(sink.accepted) == 1


async def test_a_manager_that_does_not_read_holds_no_mail(program: ForwarderProgram, worker: Process) -> None:
    full = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    full.setblocking(False)
    with full, suppress(BlockingIOError):
        while True:
            full.sendto(b"noise", program.environment["NOTIFY_SOCKET"])
    raw = await Raw.connect(program.port)
    loop = asyncio.get_running_loop()
    several_reports_later = loop.time() + 0.3
    while loop.time() < several_reports_later:
        assert (await raw.ask("NOOP")).startswith("250")
    raw.close()
    assert worker.returncode is None


async def test_health_and_metrics(program: ForwarderProgram, worker: Process) -> None:
    base = f"http://127.0.0.1:{program.metrics_base + 1}"
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{base}/healthz") as response:
            assert (response.status, await response.text()) == (200, "ok\n")
        async with client.get(f"{base}/metrics") as response:
            text = await response.text()
        program.snapshot.unlink()
        async with client.get(f"{base}/healthz") as response:
            assert response.status == 503
            assert "No such file" in await response.text()
        async with client.get(f"{base}/metrics") as response:
            assert "twinmx_aliases_snapshot_age_seconds NaN" in await response.text()
    assert "twinmx_aliases_snapshot_aliases 3.0" in text
    assert "twinmx_forwarder_in_flight 0.0" in text
    assert worker.returncode is None


async def test_postfix_can_ask_for_rewritten_senders(program: ForwarderProgram, worker: Process) -> None:
    address = Srs([KEY.encode()], 30).rewrite("a@sender.example", "alias.example")
    raw = await Raw.connect(program.socketmap_port, greeting=False)
    for key, answer in (
        (address.lower(), b"OK a@sender.example"),
        (address.replace("@alias.example", "@other.example"), b"NOTFOUND "),
        (address.replace("a@", "b@"), b"NOTFOUND "),
        ("hello@alias.example", b"NOTFOUND "),
        ("@alias.example", b"NOTFOUND "),
    ):
        request = f"srs {key}".encode()
        await raw.send(b"%d:%b," % (len(request), request))
        expected = b"%d:%b," % (len(answer), answer)
        async with asyncio.timeout(2):
            assert await raw.reader.readexactly(len(expected)) == expected
    raw.close()
    assert worker.returncode is None


async def test_two_workers_share_the_ports(program: ForwarderProgram, worker: Process) -> None:
    second = await program.start("--worker", "2")
    try:
        await program.notified("READY=1")
    finally:
        second.terminate()
        await second.communicate()
    assert second.returncode == 0
    raw = await Raw.connect(program.port)
    assert (await raw.ask("NOOP")).startswith("250")
    raw.close()
    assert worker.returncode is None


@pytest.mark.parametrize(
    ("arguments", "breakage", "message"),
    [
        (["--check"], ("port = ", "prt = "), b"listen.prt"),
        (["--worker", "0"], ("", ""), b"workers count from 1"),
        ([], ("", ""), b"one of the arguments"),
    ],
)
async def test_a_refusal_says_why(
    program: ForwarderProgram, arguments: list[str], breakage: tuple[str, str], message: bytes
) -> None:
    program.settings.write_text(program.settings.read_text().replace(*breakage, 1))
    process = await program.start(*arguments)
    _, stderr = await process.communicate()
    assert process.returncode != 0
    assert message in stderr
    assert b"Traceback" not in stderr


async def test_a_check_needs_no_keys(program: ForwarderProgram) -> None:
    del program.environment["CREDENTIALS_DIRECTORY"]
    process = await program.start("--check")
    assert (await process.communicate(), process.returncode) == ((b"", b""), 0)
