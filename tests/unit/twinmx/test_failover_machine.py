"""Two agents under random faults: whatever happens, one of them takes mail, and they come to rest afterwards.

The machine is the real one; disks, kernels, clocks, the network and the name server are `failover_world`.
"""

from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.twinmx.failover_host import (
    CRASHES,
    FASTEST,
    GOOD,
    HOSTS,
    LEASE,
    MINIMUM,
    NFT_SECONDS,
    PACED,
    PERIOD,
    SLOWEST,
    Crash,
    Host,
)
from tests.unit.twinmx.failover_world import World
from twinmx.failover.acts import RefusedError
from twinmx.failover.state import CLOSED, Order

names = st.sampled_from(HOSTS)
crashes: st.SearchStrategy[Crash] = st.sampled_from(CRASHES)
modes = st.sampled_from(["auto"] * 5 + ["manual"])
rates = st.floats(SLOWEST, FASTEST)
REST_PERIODS = int(4 * MINIMUM / PERIOD) + 20 * GOOD
FAULTS = (
    *("cut", "mend", "mend", "DNS away", "DNS back", "power off", "agent dies", "memory lost"),
    *("disk full", "disk full", "disk well"),
    *("start", "start", "start", "start"),
)
MEANWHILE = ("drained", "active", "release", "yield", "lapse")


class Agents(RuleBasedStateMachine):
    """Everything that can happen to two agents, in any order."""

    @initialize(seed=st.integers(0, 2**32), modes=st.tuples(modes, modes), rates=st.tuples(rates, rates))
    def begin(self, seed: int, modes: tuple[str, str], rates: tuple[float, float]) -> None:
        self.world = World(seed, modes, rates)  # type: ignore[arg-type]

    def host(self, name: str) -> Host:
        return self.world.hosts[name]

    # --- time --------------------------------------------------------------------------------------

    @rule(periods=st.integers(1, 15))
    def run_in_order(self, periods: int) -> None:
        for _ in range(periods):
            self.world.run(1)
            self.one_takes_mail()

    @rule(name=names, crash=crashes, late=st.floats(0, NFT_SECONDS), seconds=st.floats(0, PERIOD))
    def tick(self, name: str, crash: Crash, late: float, seconds: float) -> None:
        self.world.at += seconds
        self.world.tick(self.host(name), crash, late)

    @rule(seconds=st.floats(0, 2 * LEASE))
    def wait(self, seconds: float) -> None:
        self.world.at += seconds

    # --- messages ----------------------------------------------------------------------------------

    @precondition(lambda self: self.world.questions)
    @rule(number=st.integers(0, 5), crash=crashes, again=st.booleans())
    def deliver(self, number: int, crash: Crash, again: bool) -> None:
        questions = self.world.questions
        question = questions.pop(number % len(questions))
        if again:
            questions.append(question)
        self.world.deliver(question, crash)

    @precondition(lambda self: self.world.questions)
    @rule(number=st.integers(0, 5))
    def lose(self, number: int) -> None:
        self.world.questions.pop(number % len(self.world.questions))

    @rule(name=names)
    def look_at_dns(self, name: str) -> None:
        self.world.look_at_dns(self.host(name))

    @precondition(lambda self: self.world.updates)
    @rule(number=st.integers(0, 5), servfail=st.booleans(), answer_lost=st.booleans())
    def update(self, number: int, servfail: bool, answer_lost: bool) -> None:
        update = self.world.updates.pop(number % len(self.world.updates))
        if not servfail:
            self.world.apply(update, answer_lost)

    # --- faults ------------------------------------------------------------------------------------

    @rule(name=names, ticks=st.integers(0, 4), crash=crashes)
    def fall_sick(self, name: str, ticks: int, crash: Crash) -> None:
        """The last tick puts the question, if it comes to one."""
        self.host(name).sick = True
        for number in range(1, ticks + 1):
            self.world.at += PERIOD
            self.world.tick(self.host(name), crash if number == ticks else "nowhere")

    @rule(name=names, mail_waits=st.booleans())
    def recover(self, name: str, mail_waits: bool) -> None:
        self.host(name).sick = False
        self.host(name).mail_waits = mail_waits

    @rule(name=names, what=st.sampled_from(FAULTS))
    def break_or_mend(self, name: str, what: str) -> None:
        world, host = self.world, self.host(name)
        if what in ("cut", "mend"):
            world.split = what == "cut"
        elif what in ("DNS away", "DNS back"):
            world.dns_away = what == "DNS away"
        elif what in ("disk full", "disk well"):
            host.disk_full = what == "disk full"
        elif what == "power off":
            world.power_off(host)
        elif what == "agent dies":
            world.crash(host)
        elif what == "memory lost":
            world.crash(host)
            world.damage(host)
        else:
            world.power_on(host)
            world.start(host)

    # --- operators ---------------------------------------------------------------------------------

    @rule(
        name=names,
        seconds=st.one_of(st.none(), st.floats(0, 4 * LEASE)),
        what=st.sampled_from(["drain", "undrain", "hold", "release", "release"]),
    )
    def order(self, name: str, seconds: float | None, what: str) -> None:
        host = self.host(name)
        until = None if seconds is None else self.world.clock(host) + seconds
        with suppress(RefusedError):
            self.world.order(host, what, Order(by="ada", until=until))

    # --- what holds at every moment ----------------------------------------------------------------

    @invariant()
    def one_takes_mail(self) -> None:
        assert not all(self.world.closed(host) for host in self.world.hosts.values())

    @invariant()
    def a_drain_ends_by_itself(self) -> None:
        """However the peer fares: a lease after it was last asked with success."""
        longest = (LEASE + NFT_SECONDS) * FASTEST / SLOWEST
        for host in self.world.hosts.values():
            assert not self.world.closed(host) or self.world.at - host.leased_at <= longest

    @invariant()
    def what_is_closed_is_promised(self) -> None:
        """By the peer's disk and clock; and who has promised that has not closed itself."""
        world = self.world
        for host in world.hosts.values():
            other = world.other(host)
            if world.closed(host) and other.powered:
                given = other.remembered.given.get(host.name)
                assert given
                assert world.clock(other) < given.until
                assert not world.closed(other)

    @invariant()
    def who_says_it_is_drained_is_closed(self) -> None:
        """After each period; a lease that runs out in between is noticed by the next one."""
        for host in self.world.hosts.values():
            if host.machine and host.ticked_at == self.world.at:
                assert self.world.closed(host) == (host.machine.state.phase in CLOSED)

    @invariant()
    def acts_keep_their_distance(self) -> None:
        for host in self.world.hosts.values():
            paced = [(at, act) for at, act, _ in host.history if act.name in (*PACED, "lapse")]
            for (before, _), (at, act) in pairwise(paced):
                if act.automatic and act.name != "lapse":
                    assert at - before >= MINIMUM / FASTEST - 1e-6, (act, paced[-4:])

    @invariant()
    def nothing_is_done_without_evidence_or_in_manual_mode(self) -> None:
        for host in self.world.hosts.values():
            for _, act, proven in host.history:
                assert host.mode == "auto" or not act.automatic or act.name in MEANWHILE, act
                assert act.name != "drain" or not act.automatic or proven, act

    @invariant()
    def both_are_listed_and_one_comes_first(self) -> None:
        assert sorted(self.world.dns) == sorted(HOSTS)

    def teardown(self) -> None:
        """Once all faults have ended, and operators have taken back what they ordered, there is rest."""
        self.world.heal()
        for host in self.world.hosts.values():
            for what in ("release", "undrain"):
                with suppress(RefusedError):
                    self.world.order(host, what, Order(by="ada"))
            host.mode = "auto"
            self.world.crash(host)
            self.world.start(host)
        self.run_in_order(REST_PERIODS)
        assert self.world.at_rest, {host.name: host.remembered for host in self.world.hosts.values()}


INVARIANTS = (
    Agents.one_takes_mail,
    Agents.a_drain_ends_by_itself,
    Agents.what_is_closed_is_promised,
    Agents.who_says_it_is_drained_is_closed,
    Agents.acts_keep_their_distance,
    Agents.nothing_is_done_without_evidence_or_in_manual_mode,
    Agents.both_are_listed_and_one_comes_first,
)
Agents.TestCase.settings = settings(
    max_examples=100, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAgents = Agents.TestCase


def step(agents: Agents, chance: Random) -> None:
    """One thing that happens, the usual more often than the unusual."""
    name, other = chance.choice(HOSTS), chance.choice(HOSTS)
    crash = chance.choices(CRASHES, (20, 1, 1, 1))[0]
    things: list[tuple[int, Callable[[], object]]] = [
        (12, lambda: agents.run_in_order(chance.randint(1, 8))),
        (20, lambda: agents.tick(name, crash, chance.uniform(0, NFT_SECONDS), chance.uniform(0, PERIOD))),
        (1, lambda: agents.wait(chance.uniform(0, 2 * LEASE))),
        (4, lambda: agents.fall_sick(name, chance.randint(0, 4), crash)),
        (3, lambda: agents.recover(name, chance.random() < 0.3)),
        (3, lambda: agents.recover(other, False)),
        (3, lambda: agents.break_or_mend(name, chance.choice(FAULTS))),
        (4, lambda: agents.break_or_mend(name, chance.choice(("mend", "start", "DNS back")))),
        (1, lambda: [agents.break_or_mend(name, what) for what in ("power off", "start")]),
        (1, lambda: [agents.break_or_mend(name, what) for what in ("memory lost", "start")]),
        (5, lambda: agents.look_at_dns(name)),
        (1, lambda: agents.order(name, None, "drain")),
        (1, lambda: [agents.order(host, None, "drain") for host in HOSTS]),
        (1, lambda: agents.order(name, chance.uniform(0, LEASE), chance.choice(("drain", "hold")))),
        (2, lambda: agents.order(name, None, chance.choice(("undrain", "release")))),
    ]
    if agents.world.questions:
        again = chance.random() < 0.1
        things.append((40, lambda: agents.deliver(chance.randint(0, 5), crash, again)))
        things.append((3, lambda: agents.lose(chance.randint(0, 5))))
    if agents.world.updates:
        failed, lost = chance.random() < 0.2, chance.random() < 0.2
        things.append((10, lambda: agents.update(chance.randint(0, 5), failed, lost)))
    chance.choices([thing for _, thing in things], [weight for weight, _ in things])[0]()


@pytest.mark.parametrize("seed", range(24))
def test_a_long_life(seed: int) -> None:
    """Hypothesis shrinks what it finds, and looks at short lives; these are long, and full of drains."""
    chance = Random(seed)
    agents = Agents()
    rates = (chance.uniform(SLOWEST, FASTEST), chance.uniform(SLOWEST, FASTEST))
    agents.begin(seed, ("auto", "auto" if seed % 6 else "manual"), rates)
    for _ in range(1500):
        step(agents, chance)
        for holds in INVARIANTS:
            holds(agents)
    agents.teardown()
