"""A whole rolling converge: the lock, all hosts looked at, the database, exchangers in waves, then DNS."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from controller import pyinfra
from controller.errors import ControllerError
from controller.lock import Lock
from controller.remote import Remote
from controller.report import console, heading, note
from controller.rolling.fleet import Fleet
from controller.rolling.gates import Clock, Gates
from controller.rolling.preflight import Prepared, prepare
from controller.rolling.steps import Choices, Failure, Steps, Way
from controller.rolling.waves import next_wave, order
from inventory.alias_source import DATABASE_HOST
from inventory.schema import Exchange


@dataclass(frozen=True)
class Options:
    """gate: a command run after each host. hosts: these alone, and no DNS. break_lock: a silent one."""

    gate: str = ""
    hosts: tuple[str, ...] = ()
    in_service: bool = False
    keep_failed: bool = False
    break_lock: bool = False


def fleet_of(inventory: str, flags: Mapping[str, str]) -> Fleet:
    """The exchangers of an inventory; raises ControllerError where it is refused."""
    data = pyinfra.inventory_hosts(inventory, flags)
    exchange = Exchange.model_validate(next(iter(data.values()))["exchange"])
    remotes = {name: Remote(name, facts) for name, facts in data.items() if "exchanger" in facts}
    return Fleet(inventory, exchange, flags, remotes)


def chosen(fleet: Fleet, names: Sequence[str]) -> list[str]:
    """Those of `names`, or all, in the order of the converge."""
    known = order(fleet.exchange)
    if unknown := [name for name in names if name not in known]:
        raise ControllerError(f"--host {unknown[0]}: no such exchanger; allowed: {', '.join(known)}")
    return [name for name in known if not names or name in names]


def converge(fleet: Fleet, options: Options) -> None:
    """Bring the database, if it is ours, the exchangers, then DNS, to what the inventory says.

    Raises ControllerError at the first host that fails or does not pass its gates, with what became of it;
    the hosts after it and DNS are then untouched.
    """
    names = chosen(fleet, options.hosts)
    lock = lock_of(fleet, names)
    heading("all hosts")
    with lock.held(break_stale=options.break_lock):
        prepared = preflight(fleet, names)
        if fleet.exchange.followed and fleet.exchange.followed.managed and not options.hosts:
            heading("the database of the aliases")
            fleet.converge_elsewhere(DATABASE_HOST)
        Run(fleet, options, lock, Clock()).carry_out(prepared)
        if not options.hosts:
            lock.check()
            heading("DNS")
            fleet.converge_elsewhere("@local")


def lock_of(fleet: Fleet, names: Sequence[str]) -> Lock:
    """The lock of a run that changes `names`."""
    others = [remote for name, remote in fleet.remotes.items() if name not in names]
    return Lock([fleet.remotes[name] for name in names], others)


def preflight(fleet: Fleet, names: Sequence[str]) -> list[Prepared]:
    """All hosts looked at, and planned; ControllerError with what stands in the way, nothing touched."""
    with console.status("asking the hosts, and planning"):
        looks = fleet.looks()
        if away := [
            f"{name} cannot be reached: {looks[name]}" for name in names if isinstance(looks[name], str)
        ]:
            raise ControllerError("\n".join([*away, "Nothing was touched."]))
        plan = fleet.plan()
    for error in plan.dns.errors:
        note(f"DNS, which comes last, could not be planned: {error}")
    for name in names:
        note(f"{name}: {plan.hosts[name].summary}")
    return prepare(names, looks, plan)


class Run:
    """The exchangers, wave by wave."""

    def __init__(self, fleet: Fleet, options: Options, lock: Lock, clock: Clock) -> None:
        self._gates = Gates(fleet, options.gate, clock)
        choices = Choices(options.in_service, options.keep_failed)
        self._steps = Steps(fleet, self._gates, choices, lock.check)
        self._lock = lock
        self._done: list[tuple[str, str, float]] = []

    def carry_out(self, prepared: Sequence[Prepared]) -> None:
        """All of `prepared`: who carries no mail comes first, alone, then those that are to be drained."""
        total = len(prepared)
        ways = {host.name: self._steps.way(host) for host in prepared}
        waiting = sorted(prepared, key=lambda host: ways[host.name] is Way.DRAINED)
        while waiting:
            self._lock.check()
            heading(f"[{total - len(waiting) + 1}/{total}] {waiting[0].name}")
            try:
                failures, waiting = self._wave(waiting, ways)
            except KeyboardInterrupt:
                raise ControllerError(self._broken_off([host.name for host in waiting])) from None
            if failures:
                raise ControllerError(_way_out(failures, [*(host.name for host in waiting), "DNS"]))
        self._table()

    def _wave(self, waiting: list[Prepared], ways: Mapping[str, Way]) -> tuple[list[Failure], list[Prepared]]:
        """Converge the next of `waiting`; who failed, and who is left."""
        began, first = time.monotonic(), waiting[0].name
        names = [first]
        try:
            if ways[first] is Way.DRAINED:
                left = [host.name for host in waiting]
                names = next_wave(left, self._gates.room(left))
            wave = self._steps.take_out([host for host in waiting if host.name in names])
            self._lock.check(*(host.name for host in wave if host.changes))
        except ControllerError as error:
            return [Failure(first, str(error), f"It was not changed.{self._drained()}")], waiting[1:]
        failures = self._steps.carry_out(wave)
        self._done += [(host.name, ways[host.name].value, time.monotonic() - began) for host in wave]
        converged = [host.name for host in wave]
        return failures, [host for host in waiting if host.name not in converged]

    def _table(self) -> None:
        table = Table()
        for column in ("host", "how"):
            table.add_column(column)
        table.add_column("seconds", justify="right")
        for name, how, seconds in self._done:
            table.add_row(name, how, f"{seconds:.0f}")
        console.print(table)

    def _drained(self) -> str:
        out = ", ".join(sorted(self._steps.drained))
        return f" {out} is drained, and returns by itself within two hours." if out else ""

    def _broken_off(self, unfinished: list[str]) -> str:
        return (
            f"broken off; not finished: {', '.join(unfinished)}, DNS.{self._drained()} "
            "The same command goes on; `bin/twinmx rollback INVENTORY HOST` goes back."
        )


def _way_out(failures: Sequence[Failure], waiting: Sequence[str]) -> str:
    told = [
        f"{failure.name}: {failure.why.removeprefix(f'{failure.name}: ')}\n{failure.became}"
        for failure in failures
    ]
    left = ", ".join(waiting)
    return "\n".join(
        [
            *told,
            f"Not touched: {left}. Way out: mend the cause and run the same command again; what is done is "
            "not done again. A host that is done goes back: bin/twinmx rollback INVENTORY HOST.",
        ]
    )
