"""The agent: the machine with its hands and eyes. What it decides is on disk before anything follows."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

import aiohttp
import structlog
from prometheus_client import CollectorRegistry

from twinmx.failover import clock, engines
from twinmx.failover.acts import Act, Ask, RefusedError
from twinmx.failover.audit import Audit
from twinmx.failover.dns import Zones
from twinmx.failover.enforcement import Enforcement
from twinmx.failover.evidence import Gatherer
from twinmx.failover.machine import Machine
from twinmx.failover.metrics import FailoverMetrics
from twinmx.failover.overview import Overview
from twinmx.failover.picture import Picture
from twinmx.failover.promise import Asker, Doorkeeper, PromiseError, Question
from twinmx.failover.records import Records
from twinmx.failover.rules import Readings, Rules
from twinmx.failover.settings import Settings
from twinmx.failover.state import CLOSED, Order, State
from twinmx.failover.store import Store

T = TypeVar("T")
_LATE_PERIODS = 6


class Agent:
    """One host's agent; made within its event loop. `tsig` is the secret of DNS updates, if there are any.

    Raises `OSError` where what it remembers cannot be read.
    """

    def __init__(
        self, settings: Settings, keys: Sequence[bytes], tsig: str | None, session: aiohttp.ClientSession
    ) -> None:
        self.settings = settings
        self.registry = CollectorRegistry()
        self.metrics = FailoverMetrics(self.registry)
        policy, boot, patience = settings.policy, clock.boot_id(), settings.timing.patience_seconds
        self._store = Store(settings.places.state, settings.places.runtime, boot)
        self._saved = self._store.load(policy, clock.now())
        self.machine = Machine(policy, self._saved, random.SystemRandom().random)
        self.audit = Audit(settings.places.state)
        self.enforcement = Enforcement(settings, self.metrics)
        self.doorkeeper = Doorkeeper(settings.name, keys)
        self.readings: Readings | None = None
        self.picture = Picture(settings, self._saved.demoted)
        self.overview = Overview(settings)
        self.records: Records | None = None
        if settings.dns and tsig and settings.me.active:
            zones = Zones(settings.dns, settings.hosts, tsig, patience)
            self.records = Records(policy, zones, lambda: self._saved, self._take_down)
        self._session = session
        self._asker = Asker(settings.name, keys, policy.lease_seconds, patience)
        self._gatherer = Gatherer(settings, session)
        self._rules = Rules(settings)
        self._deciding = asyncio.Lock()
        self._enforcing = asyncio.Lock()
        self._questions: set[asyncio.Task[str | None]] = set()
        self._ticked_at = clock.now()
        self._log = structlog.get_logger()

    @property
    def state(self) -> State:
        """What is decided and on disk."""
        return self._saved

    def fault(self) -> str | None:
        """What is wrong with the agent itself; None when it does its periods."""
        late = self.late_seconds
        return f"no period for {late:.0f} s" if late else None

    @property
    def faults(self) -> dict[str, str]:
        """What cannot be done, by name (port, lease, engines, state, dns), and why."""
        of_state = {"state": self._store.fault} if self._store.fault else {}
        of_dns = {"dns": self.records.fault} if self.records and self.records.fault else {}
        return self.enforcement.faults | of_state | of_dns

    @property
    def late_seconds(self) -> float:
        """For how long it has done no period; 0 while it does."""
        late = clock.now() - self._ticked_at
        return late if late > _LATE_PERIODS * self.settings.timing.period_seconds else 0.0

    # --- its own rhythm ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Do one period after the other for ever; one that fails is logged, and the next one comes."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self.settings.timing.period_seconds
            try:
                await self.period()
            except Exception:
                self._log.exception("period failed")
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def period(self) -> None:
        """Look, decide, and make true what is decided."""
        settings = self.settings
        evidence = await self._gatherer.gather(clock.now())
        state = self.machine.state
        self.readings = self._rules.read(evidence, frozenset(state.bypassed), closed=state.phase in CLOSED)
        left_alone = await asyncio.to_thread(engines.ordered_by_others, settings.local.overrides)
        orders = self.records.orders if self.records else {}
        view = self.picture.view(evidence, self.readings, orders, left_alone)
        try:
            acts, ask = await self._decide(lambda: self.machine.tick(view, clock.now()))
        except OSError as error:
            acts, ask = [], None
            self._log.error("state not saved", detail=str(error))
        await self._follow(acts)
        await self.enforcement.bypass(dict(self._saved.bypassed))
        if ask:
            self._put(ask)
        self._ticked_at = clock.now()
        for name, peer in evidence.peers.items():
            self.metrics.peer(name, reachable=peer.state is not None or peer.greets)
        if self.records:
            self.metrics.preferences(self.records.preferences)
            self.metrics.fault("dns", self.records.fault)
        recommended = len(self.machine.recommends)
        self.metrics.show(self._saved, self.picture.drain, self.readings.drain, recommended)
        self.overview.take(evidence, self.readings)

    # --- what others want --------------------------------------------------------------------------

    async def asked(self, question: Question) -> str | None:
        """Promise what a peer asks for; returns why not. The promise is on disk when this returns."""
        try:
            return await self._decide(
                lambda: self.machine.grant(question.asker, question.seconds, clock.now())
            )
        except OSError as error:
            return f"it cannot remember a promise: {error.strerror}"

    async def drain(self, order: Order) -> None:
        """Drain by an operator's order; raises `RefusedError` and `OSError`."""
        acts, ask = await self._decide(lambda: self.machine.order_drain(order, clock.now()))
        await self._follow(acts)
        if ask and (why := await self._put(ask)):
            raise RefusedError(f"{ask.peer} does not promise to stay: {why}")

    async def order(self, change: Callable[[], list[Act]]) -> None:
        """Do another order of an operator's; raises `RefusedError` and `OSError`."""
        await self._follow(await self._decide(change))

    # --- parts -------------------------------------------------------------------------------------

    async def _decide(self, change: Callable[[], T]) -> T:
        """Have the machine decide, and put that on disk; raises `OSError`: then nothing is decided."""
        async with self._deciding:
            try:
                result = change()
                if self.machine.state != self._saved or self._store.fault:
                    await asyncio.to_thread(self._store.save, self.machine.state)
            except OSError as error:
                self.machine.revert(self._saved)
                self.metrics.fault("state", str(error))
                raise
            self._saved = self.machine.state
            self.metrics.fault("state", self._store.fault)
            return result

    async def _follow(self, acts: Sequence[Act]) -> None:
        """Take acts down, and make the state true: at once, not only at the next period."""
        for act in acts:
            self.metrics.count(act)
        if acts:
            await self._take_down(acts)
            if self.records:
                self.records.news.set()
        async with self._enforcing:
            now = clock.now()
            until = self._saved.closed_until(now)
            if until is not None:
                await self.enforcement.close(until, now)
            else:
                await self.enforcement.open()

    async def _take_down(self, acts: Sequence[Act]) -> None:
        await asyncio.to_thread(self.audit.write, acts)

    def _put(self, ask: Ask) -> "asyncio.Task[str | None]":
        """Put a question to a peer, without waiting for its answer."""
        task = asyncio.create_task(self._answer_to(ask))
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)
        return task

    async def _answer_to(self, ask: Ask) -> str | None:
        """Ask, and do what follows from the answer; returns why there is no promise."""
        peer = next(host for host in self.settings.peers if host.name == ask.peer)
        why: str | None = None
        try:
            url = f"http://{peer.address}:{self.settings.port}"
            answer = await self._asker.ask(self._session, ask.peer, url)
            why = None if answer.granted else answer.why
        except PromiseError as error:
            why = str(error)
        if why is not None:
            self._log.info("no promise", peer=ask.peer, wanted=ask.why, why=why)
        try:
            acts = await self._decide(lambda: self.machine.answered(ask, why is None, clock.now()))
        except OSError as error:
            self._log.error("state not saved", detail=str(error))
            return f"the state cannot be saved: {error.strerror}"
        await self._follow(acts)
        return why
