"""All tests in order, the quick ones first, each stage with its time; one table and one count at the end.

A stage that fails does not stop the others: what fails tells more when one sees what still works. What
failed is run once more, alone and in a new process; what passes then is not red, but listed as unsteady
(docs/adr/0028).
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
SECOND_CHANCES = 5
console = Console()


@dataclass
class Stage:
    """A command whose exit status decides; a pytest stage also counts its tests."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    report: Path | None = None
    again: bool = True  # whether a second run can tell anything: not where the first one is what is tested


@dataclass
class Outcome:
    """What a stage came to."""

    passed: int
    failed: int
    skipped: int
    seconds: float
    red: list[str] = field(default_factory=list)
    unsteady: list[str] = field(default_factory=list)


def tests(name: str, *arguments: str, **environment: str) -> Stage:
    """A stage of pytest with a report to count from."""
    report = REPORTS / f"{name.replace(' ', '-')}.xml"
    return Stage(name, [str(BIN / "pytest"), "-q", f"--junitxml={report}", *arguments], environment, report)


STAGES = [
    tests("unit and plan", "--numprocesses=auto", "--dist=worksteal", "tests/unit", "tests/plan"),
    Stage(
        "second converge changes nothing",
        [sys.executable, "-m", "controller", "unchanged", "inventory/lab.py"],
        again=False,
    ),
    tests("browser", "tests/browser", TWINMX_STATUS_URLS=STATUS_PAGES),
    tests("hosts", "tests/hosts"),
    tests("alerts", "tests/alerts"),
    tests("mail", "tests/mail"),
    tests("faults", "tests/faults"),
    tests("drills", "tests/drills"),
    tests("fuzz", "tests/fuzz"),
    Stage("molecule: a fresh pair", [str(BIN / "molecule"), "test"]),
    tests("vagrant", "tests/vagrant"),
]


def count(report: Path) -> tuple[int, int, int, list[str]]:
    """Passed, failed and skipped tests of a JUnit report, and the names of those that failed."""
    cases = list(ET.parse(report).getroot().iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    names = [f"{case.get('classname')}::{case.get('name')}" for case in failed]
    return len(cases) - len(failed) - skipped, len(failed), skipped, names


def once(stage: Stage, *more: str) -> Outcome:
    """Run a stage's command with its output on the terminal."""
    started = time.monotonic()
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    done = subprocess.run(
        [*stage.command, *more], cwd=ROOT, env={**os.environ, "PATH": path, **stage.environment}, check=False
    )
    seconds = time.monotonic() - started
    if not stage.report or not stage.report.exists():
        red = done.returncode != 0
        return Outcome(int(not red), int(red), 0, seconds, [stage.name] * red)
    passed, failed, skipped, names = count(stage.report)
    if done.returncode and not failed:
        return Outcome(passed, 1, skipped, seconds, [stage.name])
    return Outcome(passed, failed, skipped, seconds, names)


def run(stage: Stage) -> Outcome:
    """Run one stage, and what failed of it once more: a few tests, since many are no accident."""
    console.rule(f"[bold]{stage.name}", align="left")
    first = once(stage)
    if not first.failed or not stage.again or first.failed > SECOND_CHANCES:
        return first
    console.rule(f"[bold]{stage.name}: what failed, once more", align="left")
    if stage.report:
        stage.report.rename(stage.report.with_suffix(".first.xml"))
        second = once(stage, "--last-failed", "--last-failed-no-failures=none")
    else:
        second = once(stage)
    unsteady = [name for name in first.red if name not in second.red]
    seconds = first.seconds + second.seconds
    return Outcome(first.passed + len(unsteady), second.failed, first.skipped, seconds, second.red, unsteady)


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
    for name in (name for outcome in outcomes.values() for name in outcome.unsteady):
        console.print(f"[yellow]unsteady, passed when run once more:[/] {name}", highlight=False)
    total = [
        sum(getattr(outcome, name) for outcome in outcomes.values())
        for name in ("passed", "failed", "skipped")
    ]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped", flush=True)
    return int(bool(total[1]))


if __name__ == "__main__":
    sys.exit(main())
