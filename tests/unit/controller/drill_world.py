"""Exchangers on which a drill begins and ends, without hosts: what was done to them is written down."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from controller.drill import command, ending
from controller.drill.chosen import SPARE_SECONDS, Chosen, choose
from controller.drill.course import Outcome
from controller.drill.hosts import Account, Act, Alert, Hosts, Seen
from controller.drill.note import Note
from controller.errors import ControllerError
from controller.lock import Lock
from controller.remote import Remote
from controller.rolling.gates import Clock
from tests.unit.controller.rolling_world import World
from tests.unit.roles.exchanges import exchange

NAME = "drain-and-return"
PLAIN = "converge"
SECONDS = 60
FLAG = f"{PLAIN} {NAME}/{SECONDS + SPARE_SECONDS}s"
WRONG = ControllerError("mx1: something is wrong")
Failure = BaseException | Callable[[], None]


def account(state: str = "active", *acts: Act, well: bool = True) -> Account:
    given = {"state": state, "well": well, "promises": well, "acts": acts}
    return Account.model_validate(given | {"mx": {"alias.example": {"mx1": 10, "mx2": 20}}})


class DrillHosts(Hosts):
    """mx1 and mx2. did: what was done and asked, in order. fails: what becomes of it the next times."""

    def __init__(self) -> None:
        world = World(exchange())
        world.remotes = {name: Remote(name, {}) for name in world.hosts}
        super().__init__("inventory/lab.py", world)
        self.world = world
        self.did: list[str] = []
        self.fails: dict[str, list[Failure]] = {}
        self.broken = False
        self.seen = Seen({"mx1": account(), "mx2": account()}, frozenset())
        self.pending: dict[str, str] = {}
        self.ended_by_host = False
        self.proved_after = 0
        self.gone_after: float | None = None
        self.clock = Clock(lambda: world.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.world.sleep(seconds)
        self._do("sleep")

    def _do(self, what: str) -> None:
        self.did.append(what)
        if some := self.fails.get(what):
            happens = some.pop(0)
            if isinstance(happens, BaseException):
                raise happens
            happens()

    def look(self) -> Seen:
        self._do("look")
        return self.seen

    def left(self) -> dict[str, str]:
        self._do("left")
        return {"mx1": f"the drill {NAME}"} if self.broken else {}

    def over(self, chosen: Chosen) -> list[str]:
        return list(chosen.faults) if self.ended_by_host else []

    def not_proved(self, chosen: Chosen, *, lasting: bool = False) -> str:
        self._do("proof at the end" if lasting else "proof")
        if not lasting and self.proved_after:
            self.proved_after -= 1
            return "mx1: not yet"
        return "" if self.broken else "mx1: it is whole"

    def changes(self) -> dict[str, str]:
        return self.pending

    def converge(self, flag: str = "") -> None:
        if flag:
            self.broken = True
        self._do(f"{PLAIN} {flag}".strip())
        self.broken = bool(flag)

    @property
    def converges(self) -> list[str]:
        return [what for what in self.did if what.startswith(PLAIN)]


class FakeNote(Note):
    """Without a process that watches; `watches` says from when to when there was one."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.watches: list[str] = []

    @contextmanager
    def watched(self, inventory: str, seconds: float) -> Iterator[None]:
        self.watches.append(f"{inventory} {seconds:g}")
        yield


class FakeLock(Lock):
    """Nobody else is there; `held_by` is who has it, for so many tries."""

    held_by: list[str] = []  # noqa: RUF012 - of the class, as a test sets it

    def __init__(self, *_: Sequence[Remote]) -> None:
        super().__init__([])

    @contextmanager
    def held(self, *, break_stale: bool = False) -> Iterator[Lock]:
        if self.held_by:
            raise ControllerError(self.held_by.pop(0))
        yield self


class Drilled:
    """A drill on `hosts`."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hosts, self.note = DrillHosts(), FakeNote(tmp_path / "drill" / "lab.json")
        self.chosen = choose(exchange(), NAME, SECONDS)
        FakeLock.held_by = []
        monkeypatch.setattr(command, "lock_of", FakeLock)
        monkeypatch.setattr(ending, "Lock", FakeLock)

    def run(self) -> Outcome:
        return command.run(self.chosen, "inventory/lab.py", self.hosts, self.note, self.hosts.clock)

    def abort(self) -> None:
        command.end_any(self.hosts, self.note, self.hosts.clock)

    def sees(self, alerts: Sequence[Alert] = (), **accounts: Account) -> None:
        seen = self.hosts.seen
        self.hosts.seen = replace(seen, accounts={**seen.accounts, **accounts}, alerts=frozenset(alerts))


def noted(drilled: Drilled) -> None:
    with drilled.note.claimed():
        drilled.note.write("engine-out")
