"""`python -m bench.fleet`: measure, print a table and keep build/bench/fleet.json.

The hosts must be converged, and stay as they are: a run in which anything is changed is refused.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bench.fleet.figures import Measured, Pair, Spread, per_host, verdicts
from bench.fleet.run import Fleet, fleet
from bench.fleet.work import Work
from bench.noop import Sample, adopt_orphans, end_orphans
from controller.pyinfra import ROOT, inventory_hosts

DIRECTORY = ROOT / "build" / "bench" / "fleet"
RESULT = DIRECTORY.with_suffix(".json")
TRIED_WITH = 4
"""Hosts with which the strategies are compared, or all if there are fewer."""

console = Console()


def _table(measured: Measured, rounds: int) -> Table:
    table = Table(title=f"A converge with nothing to change, {2 * rounds} pairs of runs, ABBA")
    for column in ("hosts", "twinmx s", "Ansible s", "Ansible / twinmx", "twinmx CPU s", "Ansible CPU s"):
        table.add_column(column, justify="right")
    for size, pairs in measured.items():
        spreads = (
            Spread.of(pair.twinmx.seconds for pair in pairs),
            Spread.of(pair.ansible.seconds for pair in pairs),
            Spread.of(pair.ratio for pair in pairs),
            Spread.of(pair.twinmx.cpu for pair in pairs),
            Spread.of(pair.ansible.cpu for pair in pairs),
        )
        table.add_row(str(size), *map(str, spreads))
    slopes = (
        per_host(measured, lambda pair: pair.twinmx.seconds),
        per_host(measured, lambda pair: pair.ansible.seconds),
        None,
        per_host(measured, lambda pair: pair.twinmx.cpu),
        per_host(measured, lambda pair: pair.ansible.cpu),
    )
    table.add_section()
    table.add_row("a further one", *(str(slope) if slope else "" for slope in slopes))
    return table


def _work(work: Work) -> str:
    return (
        f"{len(work.files)} files, {len(work.links)} links, {len(work.absent)} paths that must not be, "
        f"{len(work.packages)} packages, {len(work.units)} units"
    )


def _measure(hosts: Fleet, sizes: Sequence[int], rounds: int, prove: bool) -> tuple[dict[str, Any], Measured]:
    """All samples, and what must be known of them."""
    load = os.getloadavg()[0]
    works = hosts.collect()
    console.print(f"each host: {_work(works[hosts.names[0]])}")
    changed = hosts.agree(works)
    console.print(f"they agree; Ansible's first application changed {changed} things")
    if prove:
        console.print(f"both found the {hosts.prove(works)} things that were changed by hand")
    tried = hosts.strategies(min(TRIED_WITH, len(hosts.names)))
    strategy = min(tried, key=lambda name: tried[name].seconds)
    console.print("Ansible: " + ", ".join(f"{name} {sample.seconds:.1f} s" for name, sample in tried.items()))
    measured: dict[int, list[Pair]] = {size: [] for size in sizes}
    for number in range(rounds):
        for size in sizes:
            pairs = hosts.pairs(size, strategy)
            measured[size] += pairs
            shown = ", ".join(f"{pair.ratio:.1f}" for pair in pairs)
            console.print(f"round {number + 1}, {size} hosts: Ansible / twinmx {shown}")
    return _known(works, changed, load, tried) | {"strategy": strategy}, measured


def _known(
    works: Mapping[str, Work], changed: int, load: float, tried: Mapping[str, Sample]
) -> dict[str, Any]:
    return {
        "versions": {name: version(name) for name in ("pyinfra", "ansible-core")},
        "cores": os.cpu_count(),
        "load_before": load,
        "work": {name: _work(work) for name, work in works.items()},
        "first_application_changed": changed,
        "tried": {name: asdict(sample) for name, sample in tried.items()},
    }


def main(
    inventory: Annotated[str, typer.Option(help="Whose exchangers.")] = "inventory/fleet.py",
    hosts: Annotated[str, typer.Option(help="How many of them, joined by commas.")] = "1,2,4,8",
    rounds: Annotated[int, typer.Option(min=1, help="Two pairs of runs each.")] = 2,
    prove: Annotated[bool, typer.Option(help="First change things by hand that both must find.")] = True,
) -> None:
    """Measure a no-op converge against Ansible, and what each further host costs."""
    chosen = fleet(inventory, inventory_hosts(inventory), DIRECTORY)
    sizes = sorted({int(size) for size in hosts.split(",") if size.isdecimal()})
    if not sizes or not 1 <= sizes[0] <= sizes[-1] <= len(chosen.names):
        raise typer.BadParameter(f"{hosts}; allowed: numbers from 1 to {len(chosen.names)}, joined by commas")
    chosen = chosen.first(sizes[-1])
    adopt_orphans()
    try:
        known, measured = _measure(chosen, sizes, rounds, prove)
    finally:
        end_orphans()
    console.print(_table(measured, rounds))
    said = verdicts(measured)
    for line in said:
        console.print(line, highlight=False)
    pairs = {size: [asdict(pair) for pair in pairs] for size, pairs in measured.items()}
    RESULT.write_text(json.dumps(known | {"verdicts": said, "pairs": pairs}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
