"""How long a converge takes that has nothing to change, against the same roles run naively.

`python -m bench.converge [RUNS]` runs the two in turn on both hosts of the lab, checks that neither
changed anything, prints a table and writes build/bench/converge.json.
"""

import json
import os
import statistics
import sys
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from bench.noop import Sample, converge
from controller.pyinfra import ROOT

RESULT = ROOT / "build" / "bench" / "converge.json"
VARIANTS = {
    "twinmx": ("inventory/lab.py", "deploy.py"),
    "naive": ("inventory/lab.py", "bench/naive_deploy.py", "--config", os.devnull),
}
"""Without config.py SSH is left as paramiko opens it, and operations are numbered as pyinfra does."""


def measure(runs: int) -> dict[str, list[Sample]]:
    """`runs` measurements of each variant, in turn, after one of each that does not count."""
    measured: dict[str, list[Sample]] = {name: [] for name in VARIANTS}
    for number in range(runs + 1):
        for name, files in VARIANTS.items():
            sample = converge(*files, "--exclude", "@local")
            if number:
                measured[name].append(sample)
    return measured


def main() -> None:
    """Measure, print and keep."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    measured = measure(runs)
    ratios = [
        ours.seconds / naive.seconds
        for ours, naive in zip(measured["twinmx"], measured["naive"], strict=True)
    ]
    table = Table(title=f"A converge with nothing to change, both hosts, {runs} runs each in turn")
    for column in ("", "operations", "seconds (median)", "min", "max", "controller CPU s"):
        table.add_column(column, justify="left" if not column else "right")
    for name, samples in measured.items():
        seconds = [sample.seconds for sample in samples]
        table.add_row(
            name,
            str(samples[0].operations),
            f"{statistics.median(seconds):.2f}",
            f"{min(seconds):.2f}",
            f"{max(seconds):.2f}",
            f"{statistics.median(sample.cpu for sample in samples):.2f}",
        )
    console = Console()
    console.print(table)
    ratio = statistics.median(ratios)
    console.print(
        f"twinmx / naive: {ratio:.2f} (median of pairs {min(ratios):.2f}…{max(ratios):.2f}); goal 0.33"
    )
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    runs_made = {name: [asdict(sample) for sample in samples] for name, samples in measured.items()}
    RESULT.write_text(json.dumps({"ratio": ratio, "runs": runs_made}, indent=2) + "\n")


if __name__ == "__main__":
    main()
