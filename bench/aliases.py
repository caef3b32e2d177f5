"""The alias snapshot with a million aliases: build, change, look up, and what a reader keeps in memory.

`python -m bench.aliases [COUNT]` prints a table and writes build/bench/aliases.json. Each step runs in a
process of its own, so that the memory of one does not count for another.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import quantiles

from rich.console import Console
from rich.table import Table

from twinmx.aliases.model import Alias, Change
from twinmx.aliases.snapshot import Snapshot, delta_of
from twinmx.aliases.update import apply_changes, build_snapshot

RESULT = Path(__file__).parent.parent / "build" / "bench" / "aliases.json"
READERS = 6  # the workers of a host
LOOKUPS = 200_000
CHANGES = {"1": 1, "1,000": 1_000, "6,000 (folded into the base)": 6_000}
REPEATS = 9

Result = dict[str, float]


def _address(number: int) -> str:
    return f"first.last{number:07}@alias.example"


def _alias(number: int) -> Alias:
    return Alias(_address(number), (f"somebody{number:07}@mailbox.example",), f"account{number // 10}")


def _aliases(count: int) -> Iterator[Alias]:
    return map(_alias, range(count))


def _memory() -> Result:
    """MiB of this process: its own (anon), mapped files that it touched, and its share of all (pss)."""
    words = Path("/proc/self/smaps_rollup").read_text().split()
    pss = int(words[words.index("Pss:") + 1])
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    names = {"anon": "RssAnon", "file": "RssFile", "peak": "VmHWM"}
    return {key: int(status[name].split()[0]) / 1024 for key, name in names.items()} | {"pss": pss / 1024}


def _milliseconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1e3


def build(target: Path, count: int) -> Result:
    """Build the snapshot from a stream."""
    seconds = _milliseconds(lambda: build_snapshot(_aliases(count), target)) / 1e3
    size = target.stat().st_size + delta_of(target).stat().st_size
    return {"seconds": seconds, "megabytes": size / 1e6, "peak_mib": _memory()["peak"]}


def change(target: Path, count: int, batch: int) -> Result:
    """Apply batches of changes; each time until a reader has seen the last of them."""
    drawn = random.Random(batch)
    taken = []
    with Snapshot(target) as reader:
        for turn in range(REPEATS):
            numbers = drawn.sample(range(count), batch)
            changes = [
                Change(_address(n), Alias(_address(n), (f"moved{turn}@else.example",))) for n in numbers
            ]

            def until_seen(changes: list[Change] = changes) -> None:
                apply_changes(target, changes, marker="")
                if reader.lookup(changes[-1].address) != changes[-1].alias:
                    raise RuntimeError("the change is not seen")

            taken.append(_milliseconds(until_seen))
    return {"median_ms": sorted(taken)[REPEATS // 2], "worst_ms": max(taken), "peak_mib": _memory()["peak"]}


def look_up(target: Path, count: int, seed: int) -> dict[str, Result]:
    """Look random aliases up, and as many that do not exist."""
    drawn = random.Random(seed)
    fresh = _memory()
    found: dict[str, Result] = {}
    with Snapshot(target) as reader:
        for name, most in (("hit", count), ("miss", 10 * count)):
            least = 0 if name == "hit" else count
            taken = []
            highest = fresh
            for turn in range(LOOKUPS):
                address = _address(drawn.randrange(least, most))
                started = time.perf_counter()
                alias = reader.lookup(address)
                taken.append((time.perf_counter() - started) * 1e6)
                if (alias is None) is not (name == "miss"):
                    raise RuntimeError(f"{address}: {alias}")
                if turn % 997 == 0:
                    highest = max(highest, _memory(), key=lambda one: one["anon"] + one["file"])
            cut = quantiles(taken, n=100)
            found[name] = {"p50_us": cut[49], "p99_us": cut[98]}
            found[f"memory_{name}"] = {key: highest[key] - fresh[key] for key in ("anon", "file", "pss")}
    return found


def measure(target: Path, count: int) -> dict[str, Result]:
    """All steps in turn; the last with as many readers at once as a host has workers."""
    found: dict[str, Result] = {}
    context = get_context("spawn")
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as alone:
        found["build"] = alone.submit(build, target, count).result()
        found |= alone.submit(look_up, target, count, 0).result()
        for name, batch in CHANGES.items():
            found[f"change {name}"] = alone.submit(change, target, count, batch).result()
    with ProcessPoolExecutor(READERS, context) as together:
        many = list(together.map(look_up, [target] * READERS, [count] * READERS, range(READERS)))
    memory = [one["memory_hit"] for one in many]
    found[f"memory_of_{READERS}"] = {key: max(one[key] for one in memory) for key in memory[0]}
    return found


def main() -> None:
    """Measure, print and keep."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        found = measure(Path(directory, "aliases.lmdb"), count)
    table = Table("", "", title=f"{count:,} aliases")
    for name, values in found.items():
        table.add_row(name, ", ".join(f"{key} {value:.1f}" for key, value in values.items()))
    Console().print(table)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"aliases": count, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
