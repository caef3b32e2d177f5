"""All tests in order, the quick ones first, each stage with its time; one table and one count at the end.

A stage that fails does not stop the others: what fails tells more when one sees what still works.
"""

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab import engine
from lab.settings import LAB
from roles.lib import ports

ROOT = Path(__file__).parent.parent
REPORTS = ROOT / "build" / "tests"
BIN = Path(sys.executable).parent
STATUS_PAGES = " ".join(f"http://{host.address}:{ports.FAILOVER}/" for host in LAB.hosts)
console = Console()


@dataclass
class Stage:
    """A command whose exit status decides; a pytest stage also counts its tests."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    report: Path | None = None


@dataclass
class Outcome:
    """What a stage came to."""

    passed: int
    failed: int
    skipped: int
    seconds: float


def tests(name: str, *arguments: str, **environment: str) -> Stage:
    """A stage of pytest with a report to count from."""
    report = REPORTS / f"{name.replace(' ', '-')}.xml"
    return Stage(name, [str(BIN / "pytest"), "-q", f"--junitxml={report}", *arguments], environment, report)


STAGES = [
    tests("unit and plan", "tests/unit", "tests/plan"),
    Stage(
        "second converge changes nothing",
        [sys.executable, "-m", "controller", "unchanged", "inventory/lab.py"],
    ),
    tests("browser", "tests/browser", TWINMX_STATUS_URLS=STATUS_PAGES),
    tests("hosts", "tests/hosts"),
    tests("alerts", "tests/alerts"),
    tests("mail", "tests/mail"),
    tests("faults", "tests/faults"),
    tests("fuzz", "tests/fuzz"),
    Stage("molecule: a fresh pair", [str(BIN / "molecule"), "test"]),
    tests("vagrant", "tests/vagrant"),
]


def count(report: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests of a JUnit report."""
    suites = ET.parse(report).getroot().iter("testsuite")
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in suites:
        for name in totals:
            totals[name] += int(suite.get(name, "0"))
    failed = totals["failures"] + totals["errors"]
    return totals["tests"] - failed - totals["skipped"], failed, totals["skipped"]


def run(stage: Stage) -> Outcome:
    """Run one stage with its output on the terminal."""
    console.rule(f"[bold]{stage.name}", align="left")
    started = time.monotonic()
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    done = subprocess.run(
        stage.command, cwd=ROOT, env={**os.environ, "PATH": path, **stage.environment}, check=False
    )
    seconds = time.monotonic() - started
    if stage.report and stage.report.exists():
        passed, failed, skipped = count(stage.report)
        if done.returncode and not failed:
            failed = 1
        return Outcome(passed, failed, skipped, seconds)
    return Outcome(int(not done.returncode), int(bool(done.returncode)), 0, seconds)


def main() -> int:
    """Run every stage, or those whose names are given; 0 when nothing failed.

    A stage is named by its first word, as in `python -m tests.run mail`.
    """
    wanted = sys.argv[1:]
    if not shutil.which("age"):
        engine.install(["age"])  # what encrypts secrets: its tests ask the real program
    REPORTS.mkdir(parents=True, exist_ok=True)
    for old in REPORTS.glob("*.xml"):
        old.unlink()
    outcomes = {
        stage.name: run(stage)
        for stage in STAGES
        if not wanted or stage.name.split()[0].rstrip(":") in wanted
    }
    table = Table(title="Tests")
    for column in "stage", "passed", "failed", "skipped", "seconds":
        table.add_column(column, justify="left" if column == "stage" else "right")
    for name, outcome in outcomes.items():
        colour = "red" if outcome.failed else "green"
        numbers = (outcome.passed, outcome.failed, outcome.skipped)
        table.add_row(f"[{colour}]{name}[/]", *map(str, numbers), f"{outcome.seconds:.0f}")
    console.print(table)
    total = [
        sum(getattr(outcome, name) for outcome in outcomes.values())
        for name in ("passed", "failed", "skipped")
    ]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped", flush=True)
    return int(bool(total[1]))


if __name__ == "__main__":
    sys.exit(main())
