"""What should be done, going by the evidence alone. Whether it may be done is `machine`'s."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from twinmx.failover import mx
from twinmx.failover.policy import Policy
from twinmx.failover.state import CLOSED, Phase, State
from twinmx.failover.view import View


@dataclass(frozen=True)
class Wish:
    """Something to do, to whom (ourselves, a peer or a spam engine), and why."""

    act: Literal["drain", "return", "demote", "restore", "bypass", "unbypass"]
    whom: str
    cause: str

    def __str__(self) -> str:
        return f"{self.act} {self.whom}: {self.cause}"


def wishes(policy: Policy, state: State, view: View, now: float) -> list[Wish]:
    """Everything that the evidence asks for, the most urgent first."""
    return [
        *_about_us(policy, state, view),
        *_about_peers(policy, state, view),
        *_about_our_record(policy, state, view),
        *_about_engines(policy, state, view, now),
    ]


def sees_itself_demoted(policy: Policy, state: State, view: View) -> bool:
    """Whether the records of some domain show that a peer has demoted us: it is alive then."""
    return any(
        mx.demoted_by_others(policy.hosts, policy.name, order, state.demoted, _restoring(state, domain))
        for domain, order in view.dns.items()
        if order is not None
    )


def _restoring(state: State, domain: str) -> set[str]:
    return {host for where, host in state.restoring if where == domain}


def _about_us(policy: Policy, state: State, view: View) -> Iterator[Wish]:
    if state.phase in CLOSED:
        if state.order is None and view.good_for >= policy.good_periods:
            yield Wish("return", policy.name, "good again")
    elif view.bad:
        yield Wish("drain", policy.name, ", ".join(sorted(view.bad)))


def _about_peers(policy: Policy, state: State, view: View) -> Iterator[Wish]:
    """A peer is demoted by one that is in service, well, and not demoted itself."""
    able = state.phase is Phase.ACTIVE and not view.bad and not sees_itself_demoted(policy, state, view)
    for name, peer in view.peers.items():
        if name not in state.demoted and peer.silent and able:
            yield Wish("demote", name, "it answers neither on the peer link nor on port 25")
        if name in state.demoted and not peer.silent:
            yield Wish("restore", name, "it answers again")


def _about_our_record(policy: Policy, state: State, view: View) -> Iterator[Wish]:
    """A demotion of ours that no agent remembers (one lost its disk) is nobody's but ours to mend."""
    agreed = all(peer.fresh and policy.name not in peer.claims for peer in view.peers.values())
    if state.phase is Phase.ACTIVE and agreed and sees_itself_demoted(policy, state, view):
        yield Wish("restore", policy.name, "nobody says to have demoted it")


def _about_engines(policy: Policy, state: State, view: View, now: float) -> Iterator[Wish]:
    """An engine is left out while it is bad, as long as another one is known to answer well."""
    for name, well in view.engines.items():
        others = [other for other in view.engines if other != name and other not in state.bypassed]
        until = state.bypassed.get(name)
        if until is not None and all(view.engines[other] is False for other in others):
            yield Wish("unbypass", name, "no other engine is well")
        elif well is False and any(view.engines[other] for other in others):
            left = 0 if until is None else until - now
            if left < policy.bypass_seconds / 2:
                yield Wish("bypass", name, "it does not answer well, and another does")
