"""What is done with hosts, one or several at once: out, changed, tried, back; where it fails, undone."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from controller.errors import ControllerError
from controller.report import note
from controller.rolling.fleet import Fleet
from controller.rolling.gates import GateError, Gates
from controller.rolling.preflight import Prepared


class Way(Enum):
    """How a host is converged."""

    UNCHANGED = "nothing to change"
    QUIET = "no service changes, so it stays in service"
    NEW = "it carries no mail yet"
    LEFT_OUT = "it is drained, and is left so: who drained it brings it back"
    INACTIVE = "it is out of service by the inventory"
    IN_SERVICE = "it stays in service while it changes"
    DRAINED = "drained while it changes"


@dataclass(frozen=True)
class Failure:
    """A host that did not pass: `why` with its log, and what became of it."""

    name: str
    why: str
    became: str


@dataclass(frozen=True)
class Choices:
    """in_service: nobody is drained. keep_failed: a host that fails stays as it is, out of service."""

    in_service: bool = False
    keep_failed: bool = False


class Steps:
    """The steps of one run over `fleet`."""

    def __init__(self, fleet: Fleet, gates: Gates, choices: Choices, holds: Callable[[str], None]) -> None:
        """holds: raises ControllerError where a host is no longer this run's to change."""
        self._fleet = fleet
        self._gates = gates
        self._choices = choices
        self._holds = holds
        self.drained: set[str] = set()
        """Who is out of service by our doing now, or on the way."""

    def way(self, host: Prepared) -> Way:
        """How `host` is converged; ControllerError where that cannot be done safely."""
        if not host.changes and not host.unfinished:
            return Way.UNCHANGED
        if host.is_new:
            return Way.NEW
        if host.left_out:
            return Way.LEFT_OUT
        if not host.disturbs and not host.unfinished:
            return Way.QUIET
        return self._way_of_one_in_service(host)

    def _way_of_one_in_service(self, host: Prepared) -> Way:
        exchangers = self._fleet.exchange.exchangers
        if not host.agent.active:
            return Way.INACTIVE
        alone = not any(other.active for name, other in exchangers.items() if name != host.name)
        if self._choices.in_service or alone:
            return Way.IN_SERVICE
        if host.agent.state == "silent":
            raise ControllerError(
                f"{host.name} cannot be drained: its failover agent does not answer. Nothing was touched. "
                "Look at `systemctl status failover` there, or converge it while it takes mail: --in-service"
            )
        return Way.DRAINED

    def take_out(self, hosts: list[Prepared]) -> list[Prepared]:
        """Take as many of `hosts` out as may be now, the first in any case, and keep what they are.

        Raises ControllerError, with nothing taken out, where the first cannot be.
        """
        taken: list[Prepared] = []
        for host in hosts:
            if taken and not self._may_follow(host.name):
                break
            try:
                taken.append(self._out(host))
            except ControllerError as error:
                if not taken:
                    raise
                note(f"{host.name} goes with the next wave: {error}")
                break
        return taken

    def _may_follow(self, name: str) -> bool:
        """Whether `name` may be out as well, beside those of its wave that are."""
        return not self._fleet.agent(name).relied_on and self._gates.has_room(name)

    def _out(self, host: Prepared) -> Prepared:
        changes = host.changes or host.unfinished
        agent = self._fleet.agent(host.name) if changes else host.agent
        if agent.closed:  # perhaps by an operator, since it was looked at
            host = replace(host, agent=agent)
        way = self.way(host)
        note(f"{host.name}: {way.value}")
        try:
            if way is Way.DRAINED:
                self._drain(host)
            elif way is Way.IN_SERVICE and agent.ours:
                self.drained.add(host.name)
            if host.changes:
                self._fleet.save(host.name, host.paths)
        except ControllerError:
            if host.name in self.drained and not host.unfinished:
                self._let_back(host.name)
            raise
        return host

    def _drain(self, host: Prepared) -> None:
        self._gates.others_greet([host.name])
        began = time.monotonic()
        self._gates.free(host.name)
        self.drained.add(host.name)
        self._fleet.drain(host.name)  # one that is drained by a run that was broken off, for its time anew
        note(f"✓ {host.name} is drained ({time.monotonic() - began:.0f} s)")

    def _let_back(self, name: str) -> None:
        try:
            self._bring_back(name)
        except ControllerError as error:
            note(f"{name} could not be brought back: {error}")

    def carry_out(self, hosts: list[Prepared]) -> list[Failure]:
        """Converge `hosts`, which were taken out, at once, each through its gates; who did not pass."""
        began = time.time()
        changing = [host.name for host in hosts if host.changes]
        failed = self._fleet.converge(changing) if changing else {}
        failures = []
        for host in hosts:
            try:
                if host.name in failed:
                    raise GateError(f"converge: {failed[host.name]}")
                self._try(host, self.way(host))
            except ControllerError as error:
                failures.append(self._failed(host, error, began))
            else:
                failures += self._found_good(host)
        return failures

    def _found_good(self, host: Prepared) -> list[Failure]:
        try:
            if host.changes or host.unfinished:
                self._holds(host.name)
                self._fleet.commit(host.name)
        except ControllerError as error:
            return [Failure(host.name, str(error), "It has passed its gates; the next run asks them again.")]
        return []

    def _try(self, host: Prepared, way: Way) -> None:
        name, gates = host.name, self._gates
        if self._stays_out(host):
            self._passed(name, "its failover agent answers", lambda: gates.answers(name))
            self.drained.discard(name)
            return
        if way in (Way.UNCHANGED, Way.QUIET):
            self._passed(name, "it takes mail on port 25", lambda: gates.greets(name))
            gates.commanded(name)
            return
        if name in self.drained:
            self._passed(
                name, "mail comes through the peer's forwarder", lambda: gates.through_the_peer(name)
            )
            self._passed(name, "its failover agent finds it well", lambda: gates.well(name))
            self._holds(name)
            self._bring_back(name)
        self._passed(name, "it takes mail on port 25", lambda: gates.greets(name))
        # first, since a forwarder takes a moment to see that its host is back
        self._passed(name, "it is in service", lambda: gates.in_service(name))
        self._passed(name, "mail comes through its own forwarder", lambda: gates.through_itself(name))
        gates.commanded(name)
        self._passed(name, "canaries come back through it", lambda: gates.canaries(name))

    def _stays_out(self, host: Prepared) -> bool:
        exchange = self._fleet.exchange
        ended = exchange.failover.under_way == "end" and host.agent.order is None
        return not exchange.exchangers[host.name].active or (host.left_out and not ended)

    def _bring_back(self, name: str) -> None:
        """End our drain, unless it has ended by itself, or an operator has taken it over."""
        agent = self._fleet.agent(name)
        if agent.ours or agent.state == "silent":
            self._fleet.undrain(name)
        self.drained.discard(name)

    def _passed(self, name: str, what: str, gate: Callable[[], None]) -> None:
        began = time.monotonic()
        gate()
        note(f"✓ {name}: {what} ({time.monotonic() - began:.0f} s)")

    # --- when it goes wrong ------------------------------------------------------------------------

    def _failed(self, host: Prepared, error: ControllerError, began: float) -> Failure:
        log = self._fleet.log(host.name, began)
        why = f"{error}\n{log}" if log else str(error)
        if not host.changes and not host.unfinished:
            return Failure(host.name, why, "It was not changed.")
        note(f"✗ {host.name}: {error}")
        try:
            self._holds(host.name)
        except ControllerError as lost:
            return Failure(host.name, why, f"It is left as it is: {lost}")
        if host.is_new:
            return Failure(host.name, why, "It was no exchanger before, so it is left as it is.")
        if self._choices.keep_failed:
            return Failure(host.name, why, f"It is left as it is. {self._keep_out(host.name)}")
        return Failure(host.name, why, self._undo(host))

    def _undo(self, host: Prepared) -> str:
        """Back to what it was; in service again where we had taken it out of it."""
        name = host.name
        was_ours = self.way(host) is Way.DRAINED
        try:
            if was_ours and self._fleet.agent(name).state in ("active", "returning"):
                self.drained.add(name)
                self._fleet.drain(name, wait=False)
        except ControllerError as error:
            note(f"{name} could not be drained again: {error}")
        try:
            note(self._fleet.rollback(name, failed=True).rstrip())
            if self._fleet.agent(name).ours:
                self._gates.well(name)
                self._bring_back(name)
                self._gates.greets(name)
        except ControllerError as error:
            return f"It could not be taken back to what it was: {error}\n{self._keep_out(name)}"
        self.drained.discard(name)
        return "It was taken back to what it was before."

    def _keep_out(self, name: str) -> str:
        """Have it stay out until somebody says otherwise, where it is out or can be."""
        agent = self._fleet.agent(name)
        if agent.closed and not agent.ours:
            return "It is drained as before, not by this run."
        if self._choices.in_service:
            return "It takes mail: --in-service."
        try:
            self._fleet.drain(name, for_ever=True, wait=False)
        except ControllerError as error:
            return f"It could not be told to stay drained; it takes mail now, or in two hours: {error}"
        self.drained.discard(name)
        return f"It stays drained: `mxctl undrain` on {name} brings it back."
