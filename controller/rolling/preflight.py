"""All hosts before any of them is touched: reached, as root, fit for it, and what would change there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from controller.errors import ControllerError
from controller.plan.document import Place, Plan
from controller.rolling.agent import Agent
from controller.rolling.fleet import Look
from roles.lib.changes import Anything, FileChange, PackageChange, ReleaseChange, ServiceChange

CLOCK_SECONDS = 60.0
"""TSIG allows 300 s (RFC 8945, 5.2.3), and logs of two hosts shall be readable side by side."""


@dataclass(frozen=True)
class Prepared:
    """A host that is going to be converged.

    disturbs: whether a service, a package or the release changes; without that mail flows on meanwhile.
    unfinished: whether an earlier converge of it was broken off before it was found good.
    """

    name: str
    agent: Agent = field(default_factory=lambda: Agent(state="active", promises=True))
    changes: bool = True
    disturbs: bool = True
    unfinished: bool = False
    paths: tuple[str, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether it is no exchanger yet, and so carries no mail."""
        return self.agent.state == "absent"

    @property
    def left_out(self) -> bool:
        """Whether it is drained by itself or by an operator, and so not ours to bring back."""
        return self.agent.closed and not self.agent.ours


def _disturbs(change: Anything) -> bool:
    if isinstance(change, ServiceChange):
        return change.action != "apply"
    return isinstance(change, PackageChange | ReleaseChange)


def _paths(place: Place) -> tuple[str, ...]:
    return tuple(change.path for change in place.changes if isinstance(change, FileChange))


def _faults(name: str, look: Look | str, place: Place) -> list[str]:
    if isinstance(look, str):
        return [f"{name} cannot be reached: {look}"]
    found = [] if look.root else [f"{name}: not root there: log in as root (ssh_user)"]
    if abs(look.clock_seconds) > CLOCK_SECONDS:
        found.append(f"{name}: its clock is {look.clock_seconds:+.0f} s off ours: see `timedatectl` on both")
    return [*found, *(f"{name}: {error}" for error in place.errors)]


def prepare(names: Sequence[str], looks: Mapping[str, Look | str], plan: Plan) -> list[Prepared]:
    """The hosts `names` in their order; ControllerError with all that stands in the way, of any."""
    faults = [fault for name in names for fault in _faults(name, looks[name], plan.hosts[name])]
    if faults:
        raise ControllerError("\n".join([*faults, "Nothing was touched."]))
    prepared = []
    for name in names:
        look, place = looks[name], plan.hosts[name]
        assert not isinstance(look, str)
        prepared.append(
            Prepared(
                name,
                look.agent,
                changes=bool(place.changes),
                disturbs=any(map(_disturbs, place.changes)),
                unfinished=look.unfinished or look.agent.ours,
                paths=_paths(place),
            )
        )
    return prepared
