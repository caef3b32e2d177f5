"""What a drill asks of the exchangers, and the converges that begin and end it."""

import json
import shlex
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from controller import pyinfra
from controller.drill.chosen import Chosen
from controller.errors import ControllerError
from controller.remote import Remote
from controller.rolling.agent import Agent
from controller.rolling.fleet import Fleet
from roles.drill import RUNS, UNIT, WHICH
from roles.lib import ports
from roles.lib.agents import ASK
from roles.lib.alerts.rule import ALWAYS

ASK_SECONDS = 30.0
STOP_SECONDS = 10.0
DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM")
"""A converge that outlived its controller could begin a drill that has been ended."""

MARK = "--- alerts ---"
Told = TypeVar("Told")


class Act(BaseModel):
    """Something an agent did. at: seconds since 1970, by its host's clock."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    at: float
    name: str
    whom: str
    cause: str = ""


class Account(Agent):
    """An agent with what it did of late, and the MX preferences that the name server has, by domain."""

    acts: tuple[Act, ...] = ()
    mx: Mapping[str, Mapping[str, int]] = {}


@dataclass(frozen=True)
class Alert:
    """An alert that fires and that nobody has silenced."""

    name: str
    host: str
    severity: str

    def __str__(self) -> str:
        return f"{self.name} {self.host}".strip()


@dataclass(frozen=True)
class Seen:
    """All exchangers at one moment. alerts: None where no Alertmanager could be asked."""

    accounts: Mapping[str, Account]
    alerts: frozenset[Alert] | None

    @property
    def out(self) -> dict[str, str]:
        """The exchangers that do not carry mail, and why."""
        return {name: one.why_not for name, one in self.accounts.items() if not one.carries}

    @property
    def serving(self) -> list[str]:
        """The exchangers that take mail and find themselves well, whether or not they promise to stay."""
        return [
            name for name, one in self.accounts.items() if one.state == "active" and one.active and one.well
        ]


class Hosts:
    """The exchangers of `fleet`, which is an inventory's without flags."""

    def __init__(self, inventory: str, fleet: Fleet) -> None:
        self._inventory = inventory
        self.fleet = fleet

    # --- asked -------------------------------------------------------------------------------------

    def _each(self, ask: Callable[[Remote], Told]) -> dict[str, Told]:
        """What `ask` says of every exchanger, asked at once."""
        remotes = self.fleet.remotes
        with ThreadPoolExecutor(len(remotes)) as pool:
            return dict(zip(remotes, pool.map(ask, remotes.values()), strict=True))

    def look(self) -> Seen:
        """How they are now; one that does not answer is silent."""
        told = self._each(self._look)
        alerts = [some for _, some in told.values() if some is not None]
        known = frozenset(one for some in alerts for one in some) if alerts else None
        return Seen({name: account for name, (account, _) in told.items()}, known)

    def _look(self, remote: Remote) -> tuple[Account, list[Alert] | None]:
        at = f"http://{self.fleet.exchange.exchangers[remote.name].peer}:{ports.ALERTMANAGER}/api/v2/alerts"
        command = f"{ASK} || true; echo; echo '{MARK}'; curl --silent --fail --max-time 3 {at} || true"
        answer = remote.try_(command, seconds=ASK_SECONDS)
        if answer.status:
            return Account(state="silent"), None
        agent, _, alerts = answer.output.partition(MARK)
        return Account.read(agent), _alerts(alerts)

    def left(self) -> dict[str, str]:
        """By exchanger, what there is of a drill, or why that cannot be told; nothing where there is none."""
        return {name: told for name, told in self._each(_left).items() if told}

    def over(self, chosen: Chosen) -> list[str]:
        """The exchangers of the drill that can be asked and on which it no longer runs."""
        told = self._each(lambda remote: remote.try_(f"systemctl is-active {UNIT} || true"))
        return [
            name for name in chosen.faults if not told[name].status and told[name].output.strip() not in RUNS
        ]

    def not_proved(self, chosen: Chosen, *, lasting: bool = False) -> str:
        """What is not in effect, in words; empty where all is. lasting: without what need not last."""
        for name, faults in chosen.faults.items():
            for fault in faults:
                if lasting and not fault.lasts:
                    continue
                answer = self.fleet.remotes[name].try_(
                    f"sh -ec {shlex.quote(fault.proof)}", seconds=ASK_SECONDS
                )
                if answer.status:
                    return f"{name}: {fault.proof}: {answer.said or f'exit status {answer.status}'}"
        return _not_first(self.look(), chosen.first) if chosen.first else ""

    def changes(self) -> dict[str, str]:
        """By place, what a converge would change now; ControllerError where that cannot be planned."""
        plan = self.fleet.plan()
        errors = [
            *plan.errors,
            *(f"{name}: {why}" for name, one in plan.places.items() for why in one.errors),
        ]
        if errors:
            raise ControllerError("\n".join(errors))
        return {name: one.summary for name, one in plan.places.items() if one.changes}

    # --- done --------------------------------------------------------------------------------------

    def converge(self, flag: str = "") -> None:
        """Converge all hosts and DNS, with the flag `drill` or plainly; ControllerError with pyinfra's words.

        Signals of the terminal do not reach it. It is stopped where this process dies or is interrupted.
        """
        arguments = pyinfra.command(self._inventory, "-y", flags={"drill": flag} if flag else {})
        with subprocess.Popen(
            [*DIES_WITH_US, *arguments],
            cwd=pyinfra.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                _, errors = process.communicate()
            except BaseException:
                _stop(process)
                raise
        if process.returncode:
            raise ControllerError(pyinfra.complaint(errors))


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _alerts(said: str) -> list[Alert] | None:
    try:
        told = json.loads(said)
    except ValueError:
        return None
    return [
        Alert(labels.get("alertname", ""), labels.get("host", ""), labels.get("severity", ""))
        for labels in (one["labels"] for one in told if one["status"]["state"] != "suppressed")
        if labels.get("severity") != ALWAYS
    ]


def _left(remote: Remote) -> str:
    answer = remote.try_(
        f"{{ {WHICH}; }} 2>/dev/null; systemctl is-active {UNIT} || true", seconds=ASK_SECONDS
    )
    if answer.status:
        return answer.said or "it says nothing"
    *named, state = answer.output.split() or [""]
    if named:
        return f"the drill {named[0]}"
    return "a drill" if state in RUNS else ""


def _not_first(seen: Seen, first: str) -> str:
    """Who does not see `first` before the others in the MX of every domain."""
    for name, account in seen.accounts.items():
        if not account.mx:
            return f"{name}: its failover agent does not know the MX"
        for domain, preferences in account.mx.items():
            if min(preferences, key=lambda host: preferences[host], default="") != first:
                return f"{name}: the MX of {domain} are {dict(preferences)}"
    return ""
