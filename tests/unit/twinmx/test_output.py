"""Logs go where journald reads them, and a journald that reads nothing holds up no mail."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from twinmx.program.output import Output

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


async def read(reader: int, until: bytes) -> bytes:
    os.set_blocking(reader, False)
    seen = b""
    async with asyncio.timeout(5):
        while until not in seen:
            try:
                seen += os.read(reader, 1 << 20)
            except BlockingIOError:
                await asyncio.sleep(0)
    return seen


async def test_lines_go_out_in_order(pipe: Pipe) -> None:
    output = Output(pipe[1])
    for word in ("one", "zwei: ä", "three"):
        output.info(word)
    assert await read(pipe[0], b"three\n") == "one\nzwei: ä\nthree\n".encode()


async def test_a_reader_that_stops_holds_up_nothing_and_loses_only_what_is_too_much(pipe: Pipe) -> None:
    output = Output(pipe[1], max_kept=1 << 18)
    for number in range(50):
        for part in range(100):
            output.info(f"{number}.{part} " + "x" * 100)
        await asyncio.sleep(0)
    seen, kept, dropped = b"", 0, 0
    while kept + dropped < 5000:  # each line is either there or counted, in one note of it or several
        seen += await read(pipe[0], b"\n")
        lines = seen.splitlines(keepends=True)
        kept = sum(line.endswith(b"x\n") for line in lines)
        notes = [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"\n")]
        dropped = sum(note["number"] for note in notes)
    assert seen.startswith(b"0.0 ")
    assert dropped
    assert kept + dropped == 5000
    output.info("afterwards")
    assert (await read(pipe[0], b"afterwards\n")).endswith(b"afterwards\n")


async def test_a_reader_that_is_gone_is_no_fault() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    output = Output(writer)
    for line in ("nobody hears", "nor this"):
        output.info(line)
        output.flush()
    os.close(writer)


@pytest.mark.parametrize("where", ["main()", "asyncio.run(run())"])
def test_the_last_words_of_a_process_are_written(where: str) -> None:
    program = f"""
import asyncio, structlog
from twinmx.program import log
log.configure()
def main():
    structlog.get_logger().info("last", path=log)
async def run():
    main()
{where}
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    line = json.loads(done.stdout)
    assert (line["event"], line["level"]) == ("last", "info")
    assert "module" in line["path"]


def test_a_worker_carries_no_pretty_printer() -> None:
    """rich would be several megabytes in each; who wants it can still have it."""
    program = """
import sys, twinmx.forwarder.main
print("rich.console" in sys.modules)
import rich
print(rich.__name__)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "rich"]
