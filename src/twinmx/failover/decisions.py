"""What every decision of the agent is made of: the state, what is seen, and the few ways to change it."""

from twinmx.failover.acts import Act, Ask
from twinmx.failover.policy import Policy
from twinmx.failover.state import Phase, State
from twinmx.failover.view import View


class Decisions:
    """The state of one host's agent, what it sees, and the acts that were decided and not yet taken."""

    def __init__(self, policy: Policy, state: State) -> None:
        self.policy = policy
        self.state = state
        self.asking: Ask | None = None
        self.recommends: tuple[str, ...] = ()
        self.view = View()
        self._acts: list[Act] = []

    def closed_until(self, now: float) -> float | None:
        """Until when port 25 is closed and mail handed to the peer; None where the host is open."""
        return self.state.closed_until(now)

    def _may_act(self, now: float) -> bool:
        last = self.state.last_act
        return last is None or now - last >= self.policy.minimum_seconds

    def _relying(self, now: float) -> list[str]:
        return [peer for peer, given in self.state.given.items() if now < given.until]

    def _fit_peer(self) -> str | None:
        peers = self.view.peers
        return next((name for name in self.policy.peers if name in peers and peers[name].fit), None)

    def _unfit(self) -> str:
        if not self.policy.peers:
            return "there is none"
        seen = self.view.peers
        away = [name for name in self.policy.peers if name not in seen or not seen[name].fresh]
        return f"{', '.join(away)} does not answer" if away else "none is in service and well"

    def _restore(self, host: str) -> None:
        """Take a demotion back, unless the host now wants it itself."""
        peer = self.view.peers.get(host)
        wants = peer is not None and host in peer.claims
        back = set() if wants else {(domain, host) for domain in self.policy.domains}
        self._set(demoted=self.state.demoted - {host}, restoring=self.state.restoring | back)

    def _return(self, name: str, cause: str, now: float, *, automatic: bool = True) -> None:
        self._set(held=None, order=None)
        self._enter(Phase.RETURNING, cause, now)
        self._restore(self.policy.name)
        self._act(name, self.policy.name, cause, now, automatic=automatic)

    def _enter(self, phase: Phase, cause: str, now: float) -> None:
        self._set(phase=phase, cause=cause, since=now)

    def _set(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)

    def _act(self, name: str, whom: str, cause: str, now: float, *, automatic: bool = True) -> None:
        """Record an act from which the next one keeps its distance."""
        self._set(last_act=now)
        self._record(name, whom, cause, automatic=automatic)

    def _record(self, name: str, whom: str, cause: str, *, automatic: bool = True) -> None:
        self._acts.append(Act(name, whom, cause, automatic))

    def _take_acts(self) -> list[Act]:
        acts, self._acts = self._acts, []
        return acts
