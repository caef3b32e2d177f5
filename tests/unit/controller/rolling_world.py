"""Exchangers that are no hosts: they drain, change, return and fail as a rolling converge makes them.

What is asserted at every step, whatever a test is about: the exchangers in service never become too few.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.errors import ControllerError
from controller.lock import Lock
from controller.plan.document import Place, Plan, no_plan
from controller.rolling.agent import REASON, Agent, Order
from controller.rolling.canaries import Counts
from controller.rolling.fleet import Fleet, Look
from controller.rolling.gates import Clock
from controller.rolling.preflight import prepare
from controller.rolling.run import Options, Run, chosen
from controller.rolling.waves import may_be_out
from inventory.schema import Exchange
from roles.lib.changes import Change, FileChange, ServiceChange
from tests.unit.roles.exchanges import exchange

CONFIG = FileChange(path="/etc/postfix/main.cf", action="change")
RESTART = ServiceChange(name="postfix", action="restart", units=("postfix.service",), reasons=("main.cf",))
ALIASES = (
    FileChange(path="/etc/twinmx/aliases.jsonl", action="change"),
    ServiceChange(name="aliases", action="apply", units=(), reasons=("aliases.jsonl",)),
)


@dataclass
class Host:
    """state … promised: what its agent says. bad: gates at which it fails once it is converged.

    ill: even after a rollback. drain, save, kept, rollback, commit: what cannot be done, or is not answered.
    """

    state: str = "active"
    active: bool = True
    well: bool = True
    order: Order | None = None
    cause: str = ""
    promised: dict[str, float] = field(default_factory=dict)
    changes: tuple[Change, ...] = (CONFIG, RESTART)
    unfinished: bool = False
    bad: set[str] = field(default_factory=set)
    good: float = 0.0
    failing: bool = False

    @property
    def agent(self) -> Agent:
        return Agent.model_validate(
            {
                "state": self.state,
                "active": self.active,
                "well": self.well,
                "suspect": () if self.well else ("postfix",),
                "promises": self.well,
                "cause": self.cause,
                "order": self.order and self.order.model_dump(),
                "promised": self.promised,
            }
        )

    @property
    def serves(self) -> bool:
        return self.state in ("active", "returning", "silent") and self.active


class World(Fleet):
    """The exchangers of `exchange`; `did` is what was done to them, in order, as "what host"."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__("inventory/lab.py", exchange, {}, {})
        self.hosts = {name: Host(active=one.active) for name, one in exchange.exchangers.items()}
        self.did: list[str] = []
        self.now = 0.0
        self.happens: dict[str, Callable[[], None]] = {}
        """What else happens when something is done."""

    def note(self, what: str, name: str) -> None:
        self.did.append(f"{what} {name}")
        if happens := self.happens.pop(f"{what} {name}", None):
            happens()
        active = {name for name, one in self.exchange.exchangers.items() if one.active}
        out = [name for name in active if not self.takes(name) and self.hosts[name].state != "absent"]
        assert len(out) <= may_be_out(self.exchange), f"out of service at once: {out}"

    def takes(self, name: str) -> bool:
        return self.hosts[name].serves

    def done(self, *kinds: str) -> list[str]:
        """What was done of these kinds."""
        return [what for what in self.did if what.split()[0] in kinds]

    def sleep(self, seconds: float) -> None:
        """Time goes by: who returns is back, canaries fly, promises run out."""
        self.now += seconds
        for host in self.hosts.values():
            host.good += 1
            host.promised = {}
            if host.state == "returning" and host.well:
                host.state = "active"
            if host.state == "drained" and host.cause and host.well and "stays" not in host.cause:
                host.state, host.cause = "returning", ""

    def run(self, *, names: Sequence[str] = (), **options: Any) -> None:
        """Converge all of them, or those named."""
        hosts = chosen(self, names)
        prepared = prepare(hosts, self.looks(), self.plan())
        Run(self, Options(**options), Lock([]), Clock(lambda: self.now, self.sleep)).carry_out(prepared)

    # --- what a fleet does -------------------------------------------------------------------------

    def plan(self) -> Plan:
        nothing = no_plan("inventory/lab.py", {}, "")
        places = {
            name: Place(summary="", changes=list(host.changes), kept=[], by_hand=[], errors=[])
            for name, host in self.hosts.items()
        }
        return nothing.model_copy(update={"hosts": places, "errors": []})

    def looks(self) -> dict[str, Look | str]:
        return {name: Look(True, 0.0, host.unfinished, host.agent) for name, host in self.hosts.items()}

    def agents(self) -> dict[str, Agent]:
        return {name: host.agent for name, host in self.hosts.items()}

    def agent(self, name: str) -> Agent:
        return self.hosts[name].agent

    def greets(self, name: str) -> None:
        if not self.takes(name) or self._fails(name, "greets"):
            raise ControllerError(f"{name} does not take mail on port 25")

    def canaries(self, via: str) -> dict[str, Counts]:
        host = self.hosts[via]
        lost = self._fails(via, "canaries")
        return {"mx1": Counts(host.good, host.good)} if lost else {"mx1": Counts(host.good, 0.0)}

    def probe(self, name: str, places: Sequence[str]) -> None:
        which = "forwarder" if len(places) > 1 else "peer"
        self.note(f"probe-{which}", name)
        if self._fails(name, which):
            raise ControllerError(f"a message to {places[-1]} was not taken: 451 4.3.0 not now")

    def log(self, name: str, since: float) -> str:
        return f"log of {name}"

    def drain(self, name: str, *, for_ever: bool = False, wait: bool = True) -> None:
        host = self.hosts[name]
        if host.promised:
            raise ControllerError(f"{name}: refused: {', '.join(host.promised)} relies on this host")
        host.state, host.order = "drained", Order(by="root", reason=REASON)
        self.note("keep-out" if for_ever else "drain", name)
        if "drain" in host.bad:
            raise ControllerError(f"{name}: no answer within 60 s")

    def undrain(self, name: str) -> None:
        host = self.hosts[name]
        if host.state != "drained":
            raise ControllerError(f"{name}: refused: this host is not drained")
        host.state, host.order = "returning", None
        self.note("undrain", name)

    def save(self, name: str, paths: Collection[str]) -> None:
        self.note("save", name)
        if "save" in self.hosts[name].bad:
            raise ControllerError(f"{name}: No space left on device")

    def commit(self, name: str) -> None:
        self.note("commit", name)
        if "commit" in self.hosts[name].bad:
            raise ControllerError(f"{name}: Connection closed")

    def can_go_back(self, name: str) -> None:
        if "kept" in self.hosts[name].bad:
            raise ControllerError(f"{name}: there is nothing to go back to")

    def rollback(self, name: str, *, failed: bool = False) -> str:
        self.note("rollback", name)
        assert failed or not self.done("converge"), "a converge undoes itself alone"
        if "rollback" in self.hosts[name].bad:
            raise ControllerError(f"{name}: there is nothing to go back to")
        self.hosts[name].failing, self.hosts[name].well = False, "ill" not in self.hosts[name].bad
        return "as it was"

    def converge(self, names: Sequence[str]) -> dict[str, str]:
        failed = {}
        for name in names:
            host = self.hosts[name]
            host.failing = True
            if host.state == "absent":
                host.state = "active"
            self.note("converge", name)
            if self._fails(name, "converge"):
                failed[name] = "forwarder: not healthy 30 s after it was applied"
            host.well = not self._fails(name, "well")
        return failed

    def converge_elsewhere(self, limit: str) -> None:
        self.note("converge", limit)

    def _fails(self, name: str, gate: str) -> bool:
        return self.hosts[name].failing and gate in self.hosts[name].bad


def with_hosts(exchange: Exchange, **hosts: Mapping[str, Any]) -> World:
    """A world in which these hosts have these attributes."""
    world = World(exchange)
    for name, attributes in hosts.items():
        for attribute, value in attributes.items():
            setattr(world.hosts[name], attribute, value)
    return world


def fleet(number: int, **rolling: int) -> Exchange:
    """An exchange of so many exchangers, mx1 preferred."""
    hosts = [
        {"fqdn": f"mx{one}.alias.example", "address": f"198.51.100.{10 + one}", "mx_priority": 10 * one}
        for one in range(1, number + 1)
    ]
    return exchange(*hosts, rolling=rolling)
