"""What the agent exposes about itself."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from twinmx.failover.acts import Act
from twinmx.failover.judge import Judge
from twinmx.failover.state import Phase, State

_ACTS = ("drain", "return", "lapse", "demote", "restore", "bypass", "unbypass")


class FailoverMetrics:
    """The figures in `registry`; acts are shown from the start with 0, or the first would be no increase."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._state = Gauge(
            "twinmx_failover_state", "1 for the state this host is in", ["state"], registry=registry
        )
        self._evidence = Gauge(
            "twinmx_failover_evidence",
            "1 while a rule has been bad for its number of periods",
            ["rule"],
            registry=registry,
        )
        self._acts = Counter("twinmx_failover_acts", "Acts, by kind", ["act"], registry=registry)
        self._held = Gauge("twinmx_failover_held", "1 while an operator holds the agent", registry=registry)
        self._recommends = Gauge(
            "twinmx_failover_recommendations",
            "Acts that the evidence asks for and that a hold or manual mode forbids",
            registry=registry,
        )
        self._reachable = Gauge(
            "twinmx_failover_peer_reachable",
            "1 while the peer's agent or its port 25 answers",
            ["peer"],
            registry=registry,
        )
        self._preference = Gauge(
            "twinmx_failover_mx_preference",
            "Preference in the MX of a domain, as its name server has it",
            ["domain", "host"],
            registry=registry,
        )
        self._fault = Gauge(
            "twinmx_failover_fault",
            "1 while something that was decided cannot be done",
            ["what"],
            registry=registry,
        )
        for act in _ACTS:
            self._acts.labels(act)

    def count(self, act: Act) -> None:
        """An act was decided."""
        self._acts.labels(act.name).inc()

    def show(self, state: State, judge: Judge, rules: Mapping[str, bool | None], recommends: int) -> None:
        """The state after a period."""
        for phase in Phase:
            self._state.labels(phase.value).set(phase is state.phase)
        for rule in rules:
            self._evidence.labels(rule).set(rule in judge.bad)
        self._held.set(state.hold is not None)
        self._recommends.set(recommends)

    def peer(self, name: str, *, reachable: bool) -> None:
        """Whether a peer has answered in this period."""
        self._reachable.labels(name).set(reachable)

    def preferences(self, found: Mapping[str, Mapping[str, int]]) -> None:
        """The records as they were last read."""
        for domain, hosts in found.items():
            for host, preference in hosts.items():
                self._preference.labels(domain, host).set(preference)

    def fault(self, what: str, detail: str | None) -> None:
        """Whether `what` (port, lease, engines, state, dns) fails."""
        self._fault.labels(what).set(detail is not None)
