"""What an operator may order of the agent, and what it refuses because it would hurt."""

from twinmx.failover.acts import Act, Ask, RefusedError
from twinmx.failover.decisions import Decisions
from twinmx.failover.state import CLOSED, Order


class Orders(Decisions):
    """Each order is decided at once; a drain only when a peer has promised to stay."""

    def order_drain(self, order: Order, now: float) -> tuple[list[Act], Ask | None]:
        """Drain by order: at once where we are drained, else after a promise; raises `RefusedError`."""
        if not self.policy.active:
            raise RefusedError("this host is out of service by the inventory already")
        if self.state.phase in CLOSED and self.closed_until(now) is None:
            raise RefusedError("a drain is just ending here; try again")
        if self.state.phase in CLOSED:
            self._set(order=order, cause=_said(order))
            self._record("keep", self.policy.name, _said(order), automatic=False)
            return self._take_acts(), None
        if self.asking:
            raise RefusedError("a question to the peer is under way; try again")
        if relying := self._relying(now):
            raise RefusedError(f"{', '.join(relying)} is drained and relies on this host")
        peer = self._fit_peer()
        if peer is None:
            raise RefusedError(f"no other exchanger could carry the mail: {self._unfit()}")
        self.asking = Ask(peer, "order", now, _said(order), order)
        return self._take_acts(), self.asking

    def undrain(self, order: Order, now: float) -> list[Act]:
        """End a drain, whoever began it; raises `RefusedError` where there is none."""
        if self.closed_until(now) is None:
            raise RefusedError("this host is not drained")
        self._return("return", _said(order), now, automatic=False)
        return self._take_acts()

    def end(self, order: Order, now: float) -> list[Act]:
        """Take back what we have done by ourselves to the MX and to port 25; a drain that was ordered stays.

        So does a hold, and engines stay left out. Raises `RefusedError` where there is nothing to end.
        """
        others = sorted(self.state.demoted - {self.policy.name})
        drained = self.closed_until(now) is not None and self.state.order is None
        if not (others or drained):
            raise RefusedError("this agent has taken nobody out of service by itself")
        for host in others:
            self._restore(host)
            self._act("restore", host, _said(order), now, automatic=False)
        if drained:
            self._return("return", _said(order), now, automatic=False)
        return self._take_acts()

    def hold(self, order: Order) -> list[Act]:
        """Act no more, but for the end of a lease, until released."""
        self._set(hold=order)
        self._record("hold", self.policy.name, _said(order), automatic=False)
        return self._take_acts()

    def release(self, order: Order) -> list[Act]:
        """End a hold; raises `RefusedError` where there is none."""
        if self.state.hold is None:
            raise RefusedError("nobody holds this agent")
        self._set(hold=None)
        self._record("release", self.policy.name, _said(order), automatic=False)
        return self._take_acts()


def _said(order: Order) -> str:
    return f"ordered by {order.by}" + (f": {order.reason}" if order.reason else "")
