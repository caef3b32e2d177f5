"""The agent's decisions, without any I/O: evidence and questions in, the next state and acts out.

Whoever drives it puts `state` on disk after each call and before anything that follows from the call: before
a question or an answer leaves, and before `closed_until`, `state.demoted` or `state.bypassed` are made true.
What is only in memory (`asking`) may be lost at any time. Times are those of `state`.
"""

from collections.abc import Callable

from twinmx.failover.acts import Act, Ask
from twinmx.failover.mx import demoted_in
from twinmx.failover.orders import Orders
from twinmx.failover.policy import ASK_SECONDS, LONGEST_LEASE_SECONDS, Policy, promise_seconds
from twinmx.failover.state import CLOSED, Given, Held, Phase, State
from twinmx.failover.view import View
from twinmx.failover.wishes import Wish, sees_itself_demoted, wishes

FRESH_PERIODS = 3
"""A view that is older says nothing about how we are."""

LONGEST_WAIT_PERIODS = 4
"""Two that asked each other at once ask again after a random wait of up to so many periods."""


class Machine(Orders):
    """The agent of one host. `random` returns a number from 0 to 1."""

    def __init__(self, policy: Policy, state: State, random: Callable[[], float]) -> None:
        super().__init__(policy, state)
        self._random = random
        self._not_before = float("-inf")
        self._seen_at = float("-inf")

    def refusal(self, peer: str, now: float) -> str | None:
        """Why we would not promise `peer` anything now; None where we would."""
        given = self.state.given.get(peer)
        renews = given is not None and now < given.until
        if not self.policy.active:
            return "it is out of service by the inventory"
        if self.state.phase is not Phase.ACTIVE:
            return f"it is {self.state.phase} itself"
        if self.asking is not None:
            return "it asks for a promise itself"
        if now - self._seen_at > FRESH_PERIODS * self.policy.period_seconds:
            return "it does not know how it is"
        ill = self.view.bad if renews else self.view.suspect
        return f"it is not well itself: {', '.join(sorted(ill))}" if ill else None

    # --- events ------------------------------------------------------------------------------------

    def tick(self, view: View, now: float) -> tuple[list[Act], Ask | None]:
        """Take in a period's evidence; returns what was decided, and a question to put to a peer."""
        self.view, self._seen_at = view, now
        if self.asking and now - self.asking.at > ASK_SECONDS:
            self.asking = None
        self._expire(now)
        self._progress(now)
        self._forget_what_dns_shows()
        ask = self._follow(now) or self._renewal(now)
        if ask:
            self.asking = ask
        return self._take_acts(), ask

    def answered(self, ask: Ask, granted: bool, now: float) -> list[Act]:
        """Take in the answer to `ask`; one that is late, or of another life, changes nothing."""
        if ask is not self.asking:
            return []
        self.asking = None
        until = ask.at + self.policy.lease_seconds
        if not granted or until <= now:
            self._not_before = now + self._random() * LONGEST_WAIT_PERIODS * self.policy.period_seconds
        elif ask.why == "renew":
            if self.state.phase in CLOSED:
                self._set(held=Held(peer=ask.peer, until=until))
        elif ask.order is not None or self._still_wanted(now):
            self._set(held=Held(peer=ask.peer, until=until), order=ask.order)
            self._enter(Phase.DRAINING, ask.cause, now)
            self._set(demoted=self.state.demoted | {self.policy.name}, restoring=self._restoring_others())
            self._act("drain", self.policy.name, ask.cause, now, automatic=ask.order is None)
        return self._take_acts()

    def grant(self, peer: str, seconds: float, now: float) -> str | None:
        """Promise `peer` not to drain for `seconds`; returns why not, or None for yes."""
        if peer not in self.policy.peers:
            return "it is no exchanger of ours"
        if not 0 < seconds <= LONGEST_LEASE_SECONDS:
            return f"{seconds:g} seconds are too many"
        if why := self.refusal(peer, now):
            return why
        bound = promise_seconds(seconds)
        self._set(given=self.state.given | {peer: Given(until=now + bound, seconds=bound)})
        return None

    def revert(self, state: State) -> None:
        """Go back to `state`, the last that is on disk: what was decided since has not happened."""
        self.state = state
        self.asking = None

    # --- parts of a tick ---------------------------------------------------------------------------

    def _expire(self, now: float) -> None:
        state = self.state
        given = {peer: given for peer, given in state.given.items() if now < given.until}
        bypassed = {engine: until for engine, until in state.bypassed.items() if now < until}
        if given != state.given or bypassed != state.bypassed:
            self._set(given=given, bypassed=bypassed)
        if state.hold and state.hold.until is not None and now >= state.hold.until:
            self._set(hold=None)
            self._record("release", self.policy.name, "the hold is over")
        if state.phase not in CLOSED:
            return
        if self.closed_until(now) is None:
            self._return("lapse", "the promise could not be renewed", now)
        elif not self.policy.active:
            self._return("lapse", "out of service by the inventory", now)
        elif state.order and state.order.until is not None and now >= state.order.until:
            self._return("return", "the time that was ordered is over", now, automatic=False)

    def _progress(self, now: float) -> None:
        phase, view = self.state.phase, self.view
        if phase is Phase.DRAINING:
            if view.queue_empty or now - self.state.since >= self.policy.drain_seconds:
                self._enter(Phase.DRAINED, self.state.cause, now)
                self._record("drained", self.policy.name, "empty" if view.queue_empty else "time is over")
        elif phase is Phase.RETURNING and view.good_for >= self.policy.good_periods:
            self._enter(Phase.ACTIVE, "", now)
            self._record("active", self.policy.name, "good again")

    def _forget_what_dns_shows(self) -> None:
        """Drop what is done: hosts that stand restored, and our demotions once we see ourselves demoted."""
        if self.state.phase not in CLOSED and self.policy.name in self.state.demoted:
            self._restore(self.policy.name)  # a reboot has ended the drain
        state, view = self.state, self.view
        shown = {
            (domain, host)
            for domain, host in state.restoring
            if (order := view.dns.get(domain)) and host not in demoted_in(self.policy.hosts, order)
        }
        if shown:
            self._set(restoring=state.restoring - shown)
        peers = self.state.demoted - {self.policy.name}
        if peers and sees_itself_demoted(self.policy, self.state, view):
            self._set(demoted=self.state.demoted - peers)
            self._record("yield", ", ".join(sorted(peers)), "it has demoted us, so it is alive")

    def _follow(self, now: float) -> Ask | None:
        """Do what the evidence asks for as far as it may be done, and recommend the rest."""
        wanted = wishes(self.policy, self.state, self.view, now) if self.policy.active else []
        held = self.policy.mode == "manual" or self.state.hold is not None
        self.recommends = tuple(str(wish) for wish in wanted) if held else ()
        if held:
            return None
        for wish in wanted:
            if wish.act in ("bypass", "unbypass"):
                self._follow_engine(wish, now)
        for wish in wanted:
            if wish.act not in ("bypass", "unbypass") and self._may_act(now):
                if wish.act != "drain":
                    self._follow_mx(wish, now)
                elif ask := self._question(wish, now):
                    return ask
        return None

    def _follow_engine(self, wish: Wish, now: float) -> None:
        others = {engine: until for engine, until in self.state.bypassed.items() if engine != wish.whom}
        extends = wish.whom in self.state.bypassed and wish.act == "bypass"
        until = {wish.whom: now + self.policy.bypass_seconds} if wish.act == "bypass" else {}
        self._set(bypassed=others | until)
        if not extends:
            self._record(wish.act, wish.whom, wish.cause)

    def _follow_mx(self, wish: Wish, now: float) -> None:
        if wish.act == "return":
            self._return("return", wish.cause, now)
            return
        if wish.act == "demote":
            restoring = frozenset((where, host) for where, host in self.state.restoring if host != wish.whom)
            self._set(demoted=self.state.demoted | {wish.whom}, restoring=restoring)
        else:
            self._restore(wish.whom)
        self._act(wish.act, wish.whom, wish.cause, now)

    def _question(self, wish: Wish, now: float) -> Ask | None:
        peer = self._fit_peer()
        if self.asking or now < self._not_before or self._relying(now) or peer is None:
            return None
        return Ask(peer, "drain", now, wish.cause)

    def _renewal(self, now: float) -> Ask | None:
        """Ask for the lease again, first who has granted it; where that one is away, another."""
        held = self.state.held
        if self.asking or self.closed_until(now) is None or held is None:
            return None
        asked = held.peer if self.view.peers.get(held.peer) and self.view.peers[held.peer].fresh else None
        return Ask(asked or self._fit_peer() or held.peer, "renew", now)

    # --- small ones --------------------------------------------------------------------------------

    def _still_wanted(self, now: float) -> bool:
        free = self.policy.mode == "auto" and self.state.hold is None and self._may_act(now)
        return free and bool(self.view.bad) and self.state.phase not in CLOSED

    def _restoring_others(self) -> frozenset[tuple[str, str]]:
        return frozenset((where, host) for where, host in self.state.restoring if host != self.policy.name)
