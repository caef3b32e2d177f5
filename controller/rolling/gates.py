"""What a host has to pass before the next one is touched. A gate that does not open raises GateError."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from controller import pyinfra
from controller.errors import ControllerError
from controller.report import console
from controller.rolling.canaries import Streak
from controller.rolling.fleet import Fleet
from controller.rolling.waves import may_be_out
from roles.lib import ports

FORWARDER_TRIES = 3
"""Messages straight to the forwarder: its workers share a port, and the kernel chooses."""


class GateError(ControllerError):
    """A gate did not open; the message begins with its name."""


@dataclass(frozen=True)
class Clock:
    """Time as a converge sees it; tests have their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Gates:
    """The gates of one run over `fleet`."""

    def __init__(self, fleet: Fleet, command: str, clock: Clock) -> None:
        self._fleet = fleet
        self._command = command
        self._clock = clock
        self._patience = fleet.exchange.rolling.patience_seconds
        self._period = fleet.exchange.failover.period_seconds

    def _until(self, gate: str, lacks: Callable[[], str]) -> None:
        """Wait until `lacks` names nothing any more."""
        deadline = self._clock.now() + self._patience
        with console.status(f"{gate} …") as status:
            while why := lacks():
                if self._clock.now() >= deadline:
                    raise GateError(f"{gate}: {why} (waited {self._patience} s)")
                status.update(f"{gate}: {why}", spinner="dots")
                self._clock.sleep(min(2.0, self._period))

    def others_out(self, apart_from: list[str]) -> dict[str, str]:
        """The other exchangers of the inventory that do not carry mail now, and why."""
        agents = self._fleet.agents()
        return {
            name: agents[name].why_not
            for name, exchanger in self._fleet.exchange.exchangers.items()
            if exchanger.active and name not in apart_from and not agents[name].carries
        }

    def room(self, waiting: list[str]) -> int:
        """How many of `waiting` may be out now; waits until it is one. GateError where it stays none."""
        allowed, room = may_be_out(self._fleet.exchange), 0

        def lacks() -> str:
            nonlocal room
            out = self.others_out(waiting[:1])
            room = allowed - len(out)
            return "" if room > 0 else "; ".join(f"{name}: {why}" for name, why in out.items())

        self._until("the other exchangers carry the mail (else, while it takes mail: --in-service)", lacks)
        return room

    def has_room(self, name: str) -> bool:
        """Whether `name` may be out as well now."""
        return len(self.others_out([name])) < may_be_out(self._fleet.exchange)

    def free(self, name: str) -> None:
        """Nobody relies on it any more; a promise outlives the drain it was made for by a lease at most."""

        def lacks() -> str:
            relied = self._fleet.agent(name).relied_on
            return f"{relied} still holds its promise to stay" if relied else ""

        self._until("it may be drained", lacks)

    def others_greet(self, apart_from: list[str]) -> None:
        """Somebody else takes mail, as a sender sees it."""
        others = [name for name in self._carriers() if name not in apart_from]
        self._each("the other exchangers take mail on port 25", others)

    def _carriers(self) -> list[str]:
        agents = self._fleet.agents()
        return [name for name in self._fleet.exchange.exchangers if agents[name].carries]

    def _each(self, gate: str, names: list[str]) -> None:
        for name in names:
            try:
                self._fleet.greets(name)
            except ControllerError as error:
                raise GateError(f"{gate}: {error}") from None

    def answers(self, name: str) -> None:
        """Its agent answers; all that the roles check of its programs was checked by the converge."""

        def lacks() -> str:
            agent = self._fleet.agent(name)
            return agent.why_not if agent.state in ("absent", "silent") else ""

        self._until("its failover agent answers", lacks)

    def well(self, name: str) -> None:
        """Its agent finds nothing bad about it."""

        def lacks() -> str:
            agent = self._fleet.agent(name)
            if agent.state in ("absent", "silent"):
                return agent.why_not
            return "" if agent.well else ", ".join(agent.suspect) or "it has not looked yet"

        self._until("its failover agent finds it well", lacks)

    def through_the_peer(self, name: str) -> None:
        """A message to its port 25 comes back while it is drained: gate, Postfix, and the peer nexthop."""
        self._probe("a message through its port 25 and the peer's forwarder", name, [self._port_25(name)])

    def through_itself(self, name: str) -> None:
        """Messages the whole way, and straight to its forwarder: Postfix passes a bad one by."""
        forwarder = f"127.0.0.1:{ports.FORWARDER}"
        places = [self._port_25(name), *[forwarder] * FORWARDER_TRIES]
        self._probe("messages through its port 25 and its own forwarder", name, places)

    def _probe(self, gate: str, name: str, places: list[str]) -> None:
        try:
            with console.status(f"{gate} …"):
                self._fleet.probe(name, places)
        except ControllerError as error:
            raise GateError(f"{gate}: {error}") from None

    def _port_25(self, name: str) -> str:
        return f"{self._fleet.exchange.exchangers[name].peer}:25"

    def greets(self, name: str) -> None:
        """It takes mail from the world."""
        self._each("it takes mail on port 25", [name])

    def commanded(self, name: str) -> None:
        """The operator's own check ({name} is filled in); its exit status decides."""
        if not self._command:
            return
        text = self._command.format(name=name)
        if subprocess.run(text, shell=True, cwd=pyinfra.ROOT, check=False).returncode:  # noqa: S602
            raise GateError(f"the gate failed for {name}: {text}")

    def in_service(self, name: str) -> None:
        """It is in service by its own judgement, after some good periods."""

        def lacks() -> str:
            agent = self._fleet.agent(name)
            return "" if agent.state == "active" and agent.well else agent.why_not

        self._until("it is in service", lacks)

    def canaries(self, name: str) -> None:
        """The canaries come back through it, some in a row."""
        wanted = self._fleet.exchange.rolling.good_canaries
        streaks: dict[str, Streak] = {}

        def lacks() -> str:
            seen = self._fleet.canaries(name)
            if not seen:
                return "no canary tries it"
            for observer, counts in seen.items():
                known = streaks.get(observer)
                streaks[observer] = known.on(counts) if known else Streak(counts)
            few = {who: streaks[who].good for who in seen if streaks[who].good < wanted}
            return ", ".join(f"{who}: {good:.0f} of {wanted}" for who, good in few.items())

        if wanted:
            self._until("the canaries come back through it", lacks)
