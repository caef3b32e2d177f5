"""The whole path, accept to mailbox: bare Postfix, then the same host with our programs and with engines.

`python -m bench.mailpath [FACTOR]` runs every case in turn on mx1 of the lab (FACTOR scales the number of
messages), prints a table and writes build/bench/mailpath.json. The first case is the limit that the others
are compared with. Source and sink run on the controller and share its cores with the host: the ratios and the
processor seconds per message mean something, the messages per second only beside each other.
"""

import json
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.smtp_source import Load
from bench.usage import program_of, spent, usage_of
from bench.variants import SINK_PORT, Variant, aliases, apply, prepared
from lab.settings import CONTROLLER, LAB, ROOT

RESULT = ROOT / "build" / "bench" / "mailpath.json"
HOST = LAB.hosts[0]
PATIENCE_SECONDS = 180
BARE = Variant("bare Postfix in → out", None)
OFF = Variant("gate + forwarder, scanning off", ())
RSPAMD = Variant("with Rspamd", ("rspamd",))
ASSASSIN = Variant("with SpamAssassin", ("spamassassin",))


@dataclass(frozen=True)
class Case:
    """One measurement; `half` sends at half the rate of the case before it, for its delays."""

    variant: Variant
    size: int
    messages: int
    half: bool = False


@dataclass
class Result:
    """Messages a second, delays in seconds (accepted → arrived), CPU milliseconds a message by program."""

    variant: str
    workers: int
    size: int
    messages: int
    half: bool
    rate: float
    p50: float
    p99: float
    refused: dict[str, int]
    missing: int
    repeated: int
    cpu_ms: dict[str, float]
    worker_rss_mb: float


CASES = [
    Case(BARE, 4_000, 2000),
    Case(BARE, 4_000, 600, half=True),
    Case(OFF, 4_000, 2000),
    Case(OFF, 4_000, 600, half=True),
    *(Case(Variant(f"{OFF.name}, {workers} workers", (), workers), 4_000, 1500) for workers in (1, 6, 12)),
    Case(RSPAMD, 4_000, 1000),
    Case(RSPAMD, 4_000, 400, half=True),
    Case(ASSASSIN, 4_000, 60),
    Case(BARE, 50_000, 1000),
    Case(OFF, 50_000, 1000),
    Case(RSPAMD, 50_000, 500),
    Case(ASSASSIN, 50_000, 40),
    Case(BARE, 1_000_000, 100),
    Case(OFF, 1_000_000, 100),
    Case(RSPAMD, 1_000_000, 60),
    Case(ASSASSIN, 1_000_000, 10),
]


def measure(case: Case, messages: int, rate: float) -> Result:
    """Send `messages` through the variant that is in place."""
    load = Load(str(HOST.address), 25, messages, case.size, 20, list(aliases()), rate=rate)
    sink = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "bench.smtp_sink",
            str(CONTROLLER),
            str(SINK_PORT),
            str(messages),
            str(PATIENCE_SECONDS),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert sink.stdout is not None
    sink.stdout.readline()
    before = usage_of(HOST)
    source = subprocess.run(
        [sys.executable, "-m", "bench.smtp_source", json.dumps(asdict(load))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    arrived = json.loads(sink.communicate()[0])
    after = usage_of(HOST)
    sent = json.loads(source.stdout)
    return _result(
        case,
        sent,
        arrived,
        spent(before, after),
        max(
            (usage.rss_kb / 1024 for unit, usage in after.items() if program_of(unit) == "forwarder"),
            default=0.0,
        ),
    )


def _result(
    case: Case,
    sent: dict[str, dict[str, float]],
    arrived: dict[str, dict[str, float]],
    cpu: dict[str, float],
    rss: float,
) -> Result:
    times = arrived["times"]
    if not times:
        raise SystemExit(f"nothing of {case} arrived: see `postqueue -c /etc/postfix-out -p` on {HOST.alias}")
    delays = sorted(
        times[number] - accepted for number, accepted in sent["accepted"].items() if number in times
    )
    seconds = max(times.values()) - min(sent["started"].values())
    return Result(
        variant=case.variant.name,
        workers=case.variant.workers if case.variant.engines is not None else 0,
        size=case.size,
        messages=len(times),
        half=case.half,
        rate=len(times) / seconds,
        p50=statistics.median(delays),
        p99=delays[int(len(delays) * 0.99)],
        refused={reply: int(count) for reply, count in sent["refused"].items()},
        missing=len(sent["accepted"]) - len(delays),
        repeated=int(arrived["repeated"]),  # type: ignore[call-overload]
        cpu_ms={program: 1000 * spent / len(times) for program, spent in cpu.items() if spent > 0},
        worker_rss_mb=rss,
    )


def main() -> None:
    """Measure every case, print and keep."""
    factor = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    results: list[Result] = []
    console = Console()
    with prepared(HOST), Progress(console=console) as progress:
        task = progress.add_task("mail path", total=len(CASES))
        for case in CASES:
            progress.update(task, description=f"{case.variant.name}, {case.size // 1000} kB")
            if not case.half:
                apply(HOST, case.variant)
                measure(case, max(20, int(case.messages * factor) // 10), 0.0)  # warm
            rate = results[-1].rate / 2 if case.half else 0.0
            results.append(measure(case, max(20, int(case.messages * factor)), rate))
            progress.advance(task)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")
    console.print(_table(results))


def _table(results: list[Result]) -> Table:
    table = Table(title="The mail path on one host")
    for column in (
        "",
        "kB",
        "workers",
        "msg/s",
        "of bare",
        "p50 s",
        "p99 s",
        "Postfix ms",
        "ours ms",
        "engines ms",
        "RSS MB",
    ):
        table.add_column(column, justify="left" if not column else "right")
    bare = {result.size: result.rate for result in results if result.variant == BARE.name and not result.half}
    for result in results:
        cpu = result.cpu_ms
        ours = sum(cpu.get(program, 0.0) for program in ("gate", "forwarder", "valkey-server"))
        table.add_row(
            result.variant + (", half its rate" if result.half else ""),
            f"{result.size / 1000:g}",
            str(result.workers or ""),
            f"{result.rate:.0f}",
            "" if result.half else f"{result.rate / bare[result.size]:.2f}",
            f"{result.p50:.2f}",
            f"{result.p99:.2f}",
            f"{cpu.get('postfix', 0.0) + cpu.get('postfix@out', 0.0):.2f}",
            f"{ours:.2f}",
            f"{cpu.get('rspamd', 0.0) + cpu.get('spamd', 0.0):.1f}",
            f"{result.worker_rss_mb:.0f}",
        )
    return table


if __name__ == "__main__":
    main()
