"""One worker of the forwarder, scanning off, beside a relay that does nothing but pass bytes on.

`python -m bench.forwarder [--rounds N] [--python PATH]` runs both in turn on one core of this machine, the
source and the sink on another one, and prints JSON: per size the messages a second, the CPU seconds of the
process for a message (which hold on a busy machine too), its memory, and both as ratios to the relay.
`--keep SECONDS` leaves a worker under load for a profiler instead, `--aliases N` fills the snapshot. The
worker's log goes through a pipe that is read, as journald reads it.
"""

import argparse
import json
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from bench.smtp_source import Load
from tests.unit.twinmx.forwarder_settings import forwarder_settings
from twinmx.aliases.model import Alias
from twinmx.aliases.update import build_snapshot

ROOT = Path(__file__).parent.parent
SIZES = {4_000: 10_000, 50_000: 5_000}
CONNECTIONS = 10
ADDRESSED = 1000  # aliases that a run sends to, drawn from all there are: a command line holds no million
MEASURED, OTHERS = 0, 1
_PROGRAM = "import sys; from twinmx.forwarder.main import main; sys.exit(main())"

Start = Callable[[str, int, Path], tuple[subprocess.Popen[str], int]]


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses, as far as one can know."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _core(number: int) -> int:
    return number % (os.cpu_count() or 1)


def run(
    python: str, arguments: list[str], core: int, environment: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a Python process on `core`."""
    return subprocess.Popen(
        [python, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}", **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {_core(core)}),  # noqa: PLW1509
    )


def drain(stream: IO[str], until: str) -> None:
    """Read up to the line that holds `until`, then go on reading in the background."""
    for line in stream:
        if until in line:
            break
    else:
        raise RuntimeError(f"ended without saying {until!r}")
    threading.Thread(target=lambda: [None for _ in stream], daemon=True).start()


def start_relay(python: str, sink: int, _directory: Path) -> tuple[subprocess.Popen[str], int]:
    """Start the relay; returns it and its port."""
    (port,) = free_ports(1)
    process = run(python, ["-m", "bench.relay", str(port), str(sink)], MEASURED)
    assert process.stdout is not None
    drain(process.stdout, "ready")
    return process, port


def _address(number: int) -> str:
    return f"a{number:07}@alias.example"


def start_forwarder(
    python: str, sink: int, directory: Path, aliases: int = ADDRESSED
) -> tuple[subprocess.Popen[str], int]:
    """Start a worker with so many aliases; returns it and its port."""
    port, socketmap, metrics = free_ports(3)
    known = (
        Alias(_address(number), (f"box{number}@mailbox.example",), f"account{number // 10}")
        for number in range(aliases)
    )
    build_snapshot(known, directory / "aliases.lmdb")
    for name in ("quarantine", "delivered"):
        (directory / name).mkdir()
    (directory / "srs-keys").write_text("k" * 32 + "\n")
    settings = directory / "forwarder.toml"
    settings.write_text(
        forwarder_settings(
            directory,
            port=port,
            metrics_base=metrics - 1,
            reinject_port=sink,
            socketmap_port=socketmap,
        )
    )
    process = run(
        python,
        ["-c", _PROGRAM, "--settings", str(settings), "--worker", "1"],
        MEASURED,
        {"CREDENTIALS_DIRECTORY": str(directory)},
    )
    assert process.stdout is not None
    drain(process.stdout, '"started"')
    return process, port


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    """User and system time of a process so far (proc(5))."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(process: subprocess.Popen[str]) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


@contextmanager
def running(start: Start, python: str, messages: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A sink and, in front of it, what is measured."""
    (sink_port,) = free_ports(1)
    sink = run(
        sys.executable, ["-m", "bench.smtp_sink", "127.0.0.1", str(sink_port), str(messages), "300"], OTHERS
    )
    assert sink.stdout is not None
    sink.stdout.readline()
    with tempfile.TemporaryDirectory() as directory:
        process, port = start(python, sink_port, Path(directory))
        try:
            yield process, port
        finally:
            for child in (process, sink):
                child.terminate()
                child.wait()


def send(port: int, size: int, messages: int, aliases: int = ADDRESSED) -> float:
    """Send messages over several connections; returns the seconds that all took."""
    load = Load(
        "127.0.0.1",
        port,
        messages,
        size,
        CONNECTIONS,
        [_address(number) for number in random.sample(range(aliases), ADDRESSED)],
        xforward=True,
    )
    source = run(sys.executable, ["-m", "bench.smtp_source", json.dumps(vars(load))], OTHERS)
    sent = json.loads(source.communicate()[0])
    if sent["refused"] or len(sent["accepted"]) != messages:
        raise RuntimeError(f"{len(sent['accepted'])} of {messages} were accepted; refused: {sent['refused']}")
    return float(max(sent["accepted"].values()) - min(sent["started"].values()))


def measured(start: Start, python: str, size: int, messages: int) -> dict[str, float]:
    """One run, after a tenth of it which does not count."""
    with running(start, python, messages * 2) as (process, port):
        send(port, size, messages // 10)
        before = cpu_seconds(process)
        seconds = send(port, size, messages)
        used = cpu_seconds(process) - before
        return {
            "messages_a_second": round(messages / seconds, 1),
            "cpu_ms_a_message": round(used / messages * 1000, 4),
            "rss_mb": round(rss_mb(process), 1),
        }


def memory_with(aliases: int, python: str, sends: int = 40) -> dict[str, float]:
    """Megabytes of a worker with so many aliases, after mail to random ones among them."""
    size, messages = 4_000, 1_000

    def start(python: str, sink: int, directory: Path) -> tuple[subprocess.Popen[str], int]:
        return start_forwarder(python, sink, directory, aliases)

    with running(start, python, messages * sends) as (process, port):
        for _ in range(sends):
            send(port, size, messages, aliases)
        words = Path(f"/proc/{process.pid}/smaps_rollup").read_text().split()
        shared = int(words[words.index("Pss_File:") + 1]) / 1000
        return {"rss_mb": round(rss_mb(process), 1), "of_which_mapped_files_mb": round(shared, 1)}


def median(runs: list[dict[str, float]]) -> dict[str, float]:
    """The median of each number."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def compare(python: str, rounds: int) -> dict[str, object]:
    """Relay and forwarder in turn, `rounds` times for each size."""
    result: dict[str, object] = {}
    for size, messages in SIZES.items():
        runs: dict[str, list[dict[str, float]]] = {"relay": [], "forwarder": []}
        for _ in range(rounds):
            runs["relay"].append(measured(start_relay, python, size, messages))
            runs["forwarder"].append(measured(start_forwarder, python, size, messages))
        relay, forwarder = median(runs["relay"]), median(runs["forwarder"])
        ratio = {name: round(forwarder[name] / relay[name], 3) for name in relay}
        result[str(size)] = {"relay": relay, "forwarder": forwarder, "forwarder/relay": ratio, "runs": runs}
    return result


def keep(python: str, size: int, seconds: float) -> None:
    """Keep a worker under load and say which process it is."""
    messages = int(seconds * 3000)
    with running(start_forwarder, python, messages) as (process, port):
        print(process.pid, flush=True)
        with suppress(KeyboardInterrupt):
            send(port, size, messages)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description="Measure one worker of the forwarder.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="interpreter of what is measured")
    parser.add_argument("--keep", type=float, metavar="SECONDS", help="only load a worker, for a profiler")
    parser.add_argument("--size", type=int, default=4_000, help="bytes of a message with --keep")
    parser.add_argument("--aliases", type=int, metavar="N", help="only measure the memory with N aliases")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {_core(OTHERS)})  # also what reads the worker's log
    if arguments.keep:
        keep(arguments.python, arguments.size, arguments.keep)
    elif arguments.aliases:
        print(json.dumps(memory_with(arguments.aliases, arguments.python)))
    else:
        print(json.dumps(compare(arguments.python, arguments.rounds), indent=1))


if __name__ == "__main__":
    main()
