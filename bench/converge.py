"""How long a converge takes that has nothing to change, against the same roles run naively.

`python -m bench.converge [RUNS]` runs the two in turn on both hosts of the lab, checks that neither
changed anything, prints a table and writes build/bench/converge.json.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from controller.pyinfra import ROOT

RESULT = ROOT / "build" / "bench" / "converge.json"
PYINFRA = str(Path(sys.executable).with_name("pyinfra"))
VARIANTS = {
    "twinmx": ["inventory/lab.py", "deploy.py"],
    "naive": ["bench/naive_inventory.py", "bench/naive_deploy.py"],
}


def _once(files: list[str]) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    command = [PYINFRA, *files, "-y", "--json", "--exclude", "@local"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
    totals = json.loads(done.stdout)["results"]["totals"]
    if totals["success"] or totals["error"]:
        raise SystemExit(f"{files[-1]} was no no-op: {totals}; run `make converge` first")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "operations": totals["no_change"]}


def measure(runs: int) -> dict[str, list[dict[str, float]]]:
    """`runs` measurements of each variant, in turn, after one of each that does not count."""
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    for number in range(runs + 1):
        for name, files in VARIANTS.items():
            sample = _once(files)
            if number:
                measured[name].append(sample)
    return measured


def main() -> None:
    """Measure, print and keep."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    measured = measure(runs)
    ratios = [
        ours["seconds"] / naive["seconds"]
        for ours, naive in zip(measured["twinmx"], measured["naive"], strict=True)
    ]
    table = Table(title=f"A converge with nothing to change, both hosts, {runs} runs each in turn")
    for column in ("", "operations", "seconds (median)", "min", "max", "controller CPU s"):
        table.add_column(column, justify="left" if not column else "right")
    for name, samples in measured.items():
        seconds = [sample["seconds"] for sample in samples]
        table.add_row(
            name,
            f"{samples[0]['operations']:.0f}",
            f"{statistics.median(seconds):.2f}",
            f"{min(seconds):.2f}",
            f"{max(seconds):.2f}",
            f"{statistics.median(sample['cpu'] for sample in samples):.2f}",
        )
    console = Console()
    console.print(table)
    ratio = statistics.median(ratios)
    console.print(
        f"twinmx / naive: {ratio:.2f} (median of pairs {min(ratios):.2f}…{max(ratios):.2f}); goal 0.33"
    )
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"ratio": ratio, "runs": measured}, indent=2) + "\n")


if __name__ == "__main__":
    main()
