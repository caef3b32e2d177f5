"""`twinmx drill`: what is asked before, who runs it, and how one is ended from elsewhere."""

from typing import Annotated

import typer

from controller.drill.chosen import Chosen, choose
from controller.drill.course import Course, Outcome
from controller.drill.ending import take_over
from controller.drill.hosts import Hosts
from controller.drill.note import Note, note_of
from controller.drill.ready import nothing_pending, ready
from controller.drill.saying import say
from controller.drill.signals import Signals
from controller.drill.telling import describe, show_all, summarize
from controller.lock import EXPIRES_SECONDS
from controller.report import console
from controller.rolling.gates import Clock, Gates
from controller.rolling.run import fleet_of, lock_of
from controller.usage import Inventory, told
from drills import all_drills
from twinmx.mxctl import duration

HANGS_SECONDS = 1800.0
"""After the hosts' own limit; a process that has not ended its drill by then hangs."""

LOCK_SECONDS = EXPIRES_SECONDS + 30.0


def _names(incomplete: str) -> list[str]:
    """For the shell: what may follow."""
    return [name for name, one in all_drills().items() if one.harmless and name.startswith(incomplete)]


def drill(
    inventory: Inventory,
    name: Annotated[str, typer.Argument(help="A harmless drill.", autocompletion=_names)] = "",
    for_: Annotated[str, typer.Option("--for", metavar="TIME", help="How long, as 90s or 10m.")] = "10m",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: for a timer.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="End the drill that is under way.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Show the harmless drills.")] = False,
    break_lock: Annotated[
        bool, typer.Option("--break-lock", help="Go on where another run has died.")
    ] = False,
) -> None:
    """Run a harmless drill where real mail flows: docs/drills.md.

    It begins and ends by a converge of all exchangers. Ctrl-C ends it, and so do an error and the death of
    this command; a host ends its own fault at its limit.

    Exit status: 0 the fault was proved, has lasted, is gone, and all are in service again; 1 not so, or
    nothing was begun.
    """
    if [bool(name), abort, list_].count(True) != 1:
        raise typer.BadParameter("allowed: one of NAME, --abort and --list")
    with told():
        fleet = fleet_of(inventory, {})
        hosts, note = Hosts(inventory, fleet), note_of(inventory)
        if list_:
            show_all(fleet.exchange)
        elif abort:
            end_any(hosts, note, Clock(), break_lock=break_lock)
        else:
            chosen = choose(fleet.exchange, name, duration.parse(for_))
            prepare(chosen, inventory, hosts, note)
            if not yes:
                typer.confirm("Begin?", abort=True)
            outcome = run(chosen, inventory, hosts, note, Clock(), break_lock=break_lock)
            summarize(chosen, outcome)
            if not outcome.well:
                raise typer.Exit(1)


def prepare(chosen: Chosen, inventory: str, hosts: Hosts, note: Note) -> None:
    """Say what it will do; ControllerError where it may not begin now. Nothing is touched."""
    with console.status("asking the hosts, and planning"):
        seen = ready(hosts, note)
        nothing_pending(hosts, inventory)
    describe(chosen, inventory, seen)


def run(
    chosen: Chosen, inventory: str, hosts: Hosts, note: Note, clock: Clock, *, break_lock: bool = False
) -> Outcome:
    """Run it; ControllerError where nothing was begun."""
    fleet = hosts.fleet
    lock = lock_of(fleet, list(fleet.remotes))
    with Signals().taken() as signals, note.claimed(), lock.held(break_stale=break_lock):
        ready(hosts, note)
        with note.watched(inventory, chosen.limit_seconds + HANGS_SECONDS):
            note.write(chosen.drill.name)
            course = Course(chosen, hosts, Gates(fleet, "", clock), clock, lock.check)
            return course.carry_out(signals, note.clear)


def end_any(hosts: Hosts, note: Note, clock: Clock, *, break_lock: bool = False) -> None:
    """End whatever drill is under way, by its own process where that lives; ControllerError if not all of it.

    Who has died has left a lock, which is waited for.
    """
    with Signals().taken() as signals:
        note.interrupt()
        with note.claimed():
            died = bool(note.drill)
            signals.hold()
            note.write(note.drill or "of a flag")
            say("a plain converge")
            patience = LOCK_SECONDS if died else 0.0
            take_over(hosts, clock, patience, break_lock=break_lock or died)
            note.clear()
    say("✓ nothing of a drill is left on any exchanger")
