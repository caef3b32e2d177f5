"""One period's view, put together from the readings, their streaks, and what peers and DNS say."""

from collections.abc import Collection, Mapping

from twinmx.failover.evidence import Evidence
from twinmx.failover.judge import Judge
from twinmx.failover.mx import Order
from twinmx.failover.rules import DRAIN_RULES, Readings
from twinmx.failover.settings import Settings
from twinmx.failover.view import Peer, View


class Picture:
    """The streaks of all rules; `demoted` are the hosts that were silent when the agent was last alive."""

    def __init__(self, settings: Settings, demoted: Collection[str]) -> None:
        good, rules = settings.timing.good_periods, settings.rules
        peers = [peer.name for peer in settings.peers]
        engines = settings.local.engines
        self.drain = Judge({rule: getattr(rules, rule).periods for rule in DRAIN_RULES}, good)
        self._silence = Judge(dict.fromkeys(peers, rules.peer.periods), good, bad=demoted)
        self._engines = Judge(dict.fromkeys(engines, rules.engine.periods), good)

    def view(
        self,
        evidence: Evidence,
        readings: Readings,
        orders: Mapping[str, Order | None],
        left_alone: Collection[str],
    ) -> View:
        """Take in one period. left_alone: engines about which somebody else has ordered something."""
        self.drain.take(readings.drain)
        self._silence.take(readings.silent)
        self._engines.take({engine: well is False for engine, well in readings.engines.items()})
        return View(
            bad=self.drain.bad,
            suspect=self.drain.suspect,
            good_for=self.drain.good_for,
            queue_empty=readings.queue_empty,
            peers={name: self._peer(name, evidence) for name in evidence.peers},
            engines={
                engine: None if engine in left_alone else self._engine(engine, well)
                for engine, well in readings.engines.items()
            },
            dns=dict(orders),
        )

    def _peer(self, name: str, evidence: Evidence) -> Peer:
        state = evidence.peers[name].state
        silent = name in self._silence.bad
        if state is None:
            return Peer(silent=silent)
        return Peer(fresh=True, fit=state.promises, claims=state.demoted, silent=silent)

    def _engine(self, engine: str, well: bool | None) -> bool | None:
        """Bad counts after its periods; until then nothing is said of an engine that looks bad."""
        if engine in self._engines.bad:
            return False
        return None if well is False else well
