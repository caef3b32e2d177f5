"""Two agents, their disks, kernels and clocks, the network between them and a name server: all simulated.

Every step that takes time in reality is a step of its own here, so that whoever drives this world may let an
agent die, a message be late, or a clock run differently in between.
"""

import random as randomness
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from tests.unit.twinmx.failover_host import (
    DOMAIN,
    GOOD,
    HOSTS,
    LEASE,
    PERIOD,
    SICK_PERIODS,
    SILENT_PERIODS,
    Crash,
    Host,
    Question,
    Update,
)
from twinmx.failover import mx
from twinmx.failover.acts import Act
from twinmx.failover.judge import Judge
from twinmx.failover.machine import Machine
from twinmx.failover.policy import promise_seconds
from twinmx.failover.state import Order, Phase, State, after_reboot, unknown_past
from twinmx.failover.view import Peer, View


class World:
    """`at` is the true time in seconds; every host has a clock of its own."""

    def __init__(self, seed: int, modes: Sequence[Literal["auto", "manual"]], rates: Sequence[float]) -> None:
        self.at = 1000.0
        self.split = False
        self.dns_away = False
        self.dns: mx.Order = HOSTS
        self.questions: list[Question] = []
        self.updates: list[Update] = []
        self._random = randomness.Random(seed)
        self.hosts = {
            name: Host(name, mode, rate, self.at - 500 * number, State())
            for number, (name, mode, rate) in enumerate(zip(HOSTS, modes, rates, strict=True))
        }
        for host in self.hosts.values():
            self.start(host)

    # --- clocks, power, processes ------------------------------------------------------------------

    def clock(self, host: Host) -> float:
        return (self.at - host.booted_at) * host.rate

    def other(self, host: Host) -> Host:
        return next(other for other in self.hosts.values() if other is not host)

    def start(self, host: Host) -> None:
        if host.powered and host.machine is None:
            host.machine = Machine(host.policy, host.remembered, self._random.random)
            host.judge = Judge({"sick": SICK_PERIODS}, GOOD)
            host.listener = Judge({self.other(host).name: SILENT_PERIODS}, GOOD, bad=host.remembered.demoted)
            host.dns = None
            host.ticked_at = float("-inf")

    def crash(self, host: Host) -> None:
        host.machine = None

    def power_off(self, host: Host) -> None:
        host.machine = host.run = None
        host.powered = False
        host.closed_until = float("-inf")

    def power_on(self, host: Host) -> None:
        if not host.powered:
            host.powered = True
            host.booted_at = self.at
            host.disk = after_reboot(host.disk, 0.0, [self.other(host).name], promise_seconds(LEASE))

    def damage(self, host: Host) -> None:
        if host.machine is None:
            bound = promise_seconds(LEASE)
            host.run = None
            host.disk = unknown_past([self.other(host).name], self.clock(host), bound, acted=True)

    def closed(self, host: Host) -> bool:
        return host.powered and self.clock(host) < host.closed_until

    # --- one period of an agent --------------------------------------------------------------------

    def tick(self, host: Host, crash: Crash = "nowhere", late: float = 0.0) -> None:
        if host.machine is None:
            return
        acts, ask = host.machine.tick(self._view(host), self.clock(host))
        if not self._save(host, acts, crash):
            return
        self._enforce(host, late)
        host.ticked_at = self.at
        if crash == "after closing":
            self.crash(host)
        elif ask:
            self.questions.append(Question(host, host.machine, ask, self.at))

    def _enforce(self, host: Host, late: float = 0.0) -> None:
        """Close port 25, or open it, as the state wants it; the timer in the kernel may start late."""
        assert host.machine
        until = host.machine.closed_until(self.clock(host))
        host.closed_until = float("-inf") if until is None else until + late
        host.ticked_at = float("-inf")

    def _save(self, host: Host, acts: list[Act], crash: Crash) -> bool:
        """Put the machine's state on disk; whether the agent has lived through it."""
        assert host.machine
        if crash == "before saving":
            self.crash(host)
            return False
        saved = State.model_validate_json(host.machine.state.model_dump_json())
        if host.disk_full:
            host.run = saved
        else:
            host.disk, host.run = saved, None
        host.history += [(self.at, act, host.proven) for act in acts]
        if crash == "after saving":
            self.crash(host)
            return False
        return True

    def _view(self, host: Host) -> View:
        other = self.other(host)
        reached = not self.split and other.powered
        fresh = reached and other.machine is not None
        host.ticks = host.ticks + 1 if host.sick == host.was_sick else 1
        host.was_sick = host.sick
        if host.ticks >= (SICK_PERIODS if host.sick else GOOD):
            host.proven = host.sick
        host.judge.take({"sick": host.sick})
        host.listener.take({other.name: not reached})
        peer = Peer(
            fresh=fresh,
            fit=fresh and self._would_promise(other, host.name),
            claims=other.machine.state.demoted if fresh and other.machine else frozenset(),
            silent=bool(host.listener.bad),
        )
        return View(
            bad=host.judge.bad,
            suspect=host.judge.suspect,
            good_for=host.judge.good_for,
            queue_empty=not host.mail_waits,
            peers={other.name: peer},
            dns={DOMAIN: host.dns},
        )

    def _would_promise(self, host: Host, peer: str) -> bool:
        return host.machine is not None and host.machine.refusal(peer, self.clock(host)) is None

    # --- messages ----------------------------------------------------------------------------------

    def deliver(self, question: Question, crash: Crash = "nowhere") -> None:
        """Carry a question to the peer, or its answer back; what cannot be carried is lost."""
        if question.granted is not None:
            if question.asker.machine is question.machine and not self.split:
                host = question.asker
                acts = question.machine.answered(question.ask, question.granted, self.clock(host))
                if question.machine.state.held != host.remembered.held:
                    host.leased_at = question.at
                if self._save(host, acts, crash):
                    self._enforce(host)
            return
        other = self.other(question.asker)
        if self.split or other.machine is None:
            return
        why = other.machine.grant(question.asker.name, LEASE, self.clock(other))
        if self._save(other, [], crash):
            answer = replace(question, granted=why is None)
            self.questions.append(answer)

    def order(self, host: Host, what: str, order: Order) -> None:
        """An operator orders something of a host; raises `RefusedError`."""
        if host.machine is None:
            return
        now = self.clock(host)
        ask = None
        if what == "drain":
            acts, ask = host.machine.order_drain(order, now)
        elif what == "undrain":
            acts = host.machine.undrain(order, now)
        else:
            acts = host.machine.hold(order) if what == "hold" else host.machine.release(order)
        self._save(host, acts, "nowhere")
        self._enforce(host)
        if ask:
            self.questions.append(Question(host, host.machine, ask, self.at))

    def look_at_dns(self, host: Host) -> None:
        """What the agent's DNS task does: read, and send an update where the set is not as it shall be."""
        if host.machine is None or self.dns_away:
            return
        host.dns = self.dns
        restoring = {name for _, name in host.remembered.restoring}
        wanted = mx.wanted_order(HOSTS, host.name, self.dns, host.remembered.demoted, restoring)
        if wanted != self.dns:
            self.updates.append(Update(host, self.dns, wanted))

    def apply(self, update: Update, answer_lost: bool = False) -> None:
        if self.dns_away or self.dns != update.old:
            return
        self.dns = update.new
        if not answer_lost and update.host.machine is not None:
            update.host.dns = update.new

    def run(self, periods: int) -> None:
        """A time in which nothing is late and nobody dies; what was under way before arrives first."""
        for _ in range(periods):
            self.at += PERIOD
            for host in self.hosts.values():
                self.tick(host)
                while self.questions:
                    self.deliver(self.questions.pop(0))
                self.look_at_dns(host)
                while self.updates:
                    self.apply(self.updates.pop(0))

    def heal(self) -> None:
        """All faults end, all holds and orders too."""
        self.split = self.dns_away = False
        for host in self.hosts.values():
            host.sick = host.mail_waits = host.disk_full = False
            self.power_on(host)
            self.start(host)

    @property
    def at_rest(self) -> bool:
        """Both in service and both in the inventory's order."""
        phases = {host.machine.state.phase for host in self.hosts.values() if host.machine}
        return phases == {Phase.ACTIVE} and self.dns == HOSTS
