"""`python -m drills`: run drills on the lab, list them, end one that was broken off, show the last runs."""

import json
import subprocess
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from controller.drill.signals import Signals
from controller.errors import ControllerError
from drills import all_drills
from drills.lib import course
from drills.lib.judge import worse
from drills.lib.model import Drill
from drills.lib.record import Record, Variant
from drills.lib.report import markdown, place, png, png_pair, table, write, write_index, write_pair
from drills.lib.run import run as run_once
from drills.lib.show import Show
from lab.engine import answers
from lab.errors import LabError
from lab.progress import console, note
from lab.settings import ROOT

REPORTS = ROOT / "build" / "drills"

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


class Variants(StrEnum):
    """Which design meets the fault: ours, that of the time, or one after the other."""

    NOW = "now"
    THEN = "then"
    BOTH = "both"


@app.command()
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Drills; all of them without one.")] = None,
    variant: Annotated[Variants, typer.Option(help="The design that meets the fault.")] = Variants.BOTH,
    short: Annotated[
        bool, typer.Option("--short", help="The short form: of core drills, as CI does.")
    ] = False,
    seed: Annotated[int, typer.Option(help="What everything random is drawn from.")] = 1,
) -> None:
    """Run drills one after another, with a report of each in build/drills."""
    chosen = _chosen(names or [], short=short)
    if not answers():
        raise LabError("no Docker engine answers", "start the lab: make up")
    records: list[Record] = []
    failed: list[str] = []
    for drill, one in _plan(chosen, variant):
        console.rule(f"[bold]{drill.name}[/bold] ({one})", align="left")
        note(drill.says)
        try:
            record = run_once(drill, one, seed, Show(), short=short)
        except (LabError, ControllerError, subprocess.CalledProcessError, AssertionError) as error:
            failed.append(f"{drill.name} ({one}): {error}")
            console.print(f"✗ {error}", style="red", markup=False)
            continue
        records.append(record)
        _keep(drill, record)
    console.print(table(records))
    for text in failed:
        console.print(f"✗ {text}", style="red", markup=False)
    if failed or not all(record.well for record in records):
        raise typer.Exit(1)


def _chosen(names: Sequence[str], *, short: bool) -> list[Drill]:
    """The drills of these names; without one all of them, those that must come last at the end."""
    known = all_drills()
    if unknown := [name for name in names if name not in known]:
        raise typer.BadParameter(f"{', '.join(unknown)}: no such drill; there are: {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    every = [drill for drill in known.values() if drill.core or not short]
    return sorted(every, key=lambda drill: drill.last)


def _plan(drills: Sequence[Drill], variant: Variants) -> list[tuple[Drill, Variant]]:
    wanted: dict[Variants, tuple[Variant, ...]] = {
        Variants.NOW: ("now",),
        Variants.THEN: ("then",),
        Variants.BOTH: ("now", "then"),
    }
    return [(drill, one) for drill in drills for one in wanted[variant] if one == "now" or drill.then]


def _keep(drill: Drill, record: Record) -> None:
    """Write the record, its page and picture, those of the pair where there are both variants, the index."""
    folder = REPORTS / record.drill
    other = _newest(folder, "then" if record.variant == "now" else "now")
    if other and record.variant == "then":
        record.checks.append(worse(drill, record, other))
    record.save(place(record, folder, ".json"))
    page = write(record, folder)
    png(record, place(record, folder, ".png"))
    if other:
        now, then = (record, other) if record.variant == "now" else (other, record)
        page = write_pair(now, then, folder)
        png_pair(now, then, folder / "pair.png")
    write_index(REPORTS)
    for check in record.checks:
        if not check.holds:
            console.print(f"✗ {check.says}: {check.found}", style="red", markup=False)
    note(f"report: {page.relative_to(ROOT)}")


def _newest(folder: Path, variant: str) -> Record | None:
    """The last run of a variant: of the whole form, where there is one."""
    found = [Record.load_from(path) for path in sorted(folder.glob(f"*-{variant}.json"))]
    return max(found, key=lambda record: (not record.short, record.started), default=None)


@app.command("list")
def list_() -> None:
    """All drills, and what each is about."""
    made = Table(title="Drills")
    for column in ("name", "variants", "harmless", "core", "what happens"):
        made.add_column(column)
    for drill in all_drills().values():
        variants = "now, then" if drill.then else "now"
        made.add_row(
            drill.name, variants, "yes" if drill.harmless else "", "yes" if drill.core else "", drill.says
        )
    console.print(made)


@app.command()
def abort() -> None:
    """End a drill that was broken off, whatever it had reached: faults out, a plain converge."""
    try:
        name = json.loads(course.UNDER_WAY.read_text())["drill"]
    except FileNotFoundError:
        note("no drill is under way; a plain converge ends what a flag has begun: make converge")
        return
    course.abort(all_drills()[name])
    note(f"{name} is ended, and both hosts are as the inventory says")


@app.command()
def report(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="The table of docs/drills.md.")] = False,
) -> None:
    """Write the index page of the last runs anew, and say where it is."""
    if as_markdown:
        newest = (_newest(REPORTS / name, variant) for name in all_drills() for variant in ("now", "then"))
        console.out(markdown([record for record in newest if record]), highlight=False)
    else:
        note(f"{write_index(REPORTS).relative_to(ROOT)}")


if __name__ == "__main__":
    with (
        Signals().taken()
    ):  # the first breaks off, and everything is put back; the next have to wait for that
        app()
