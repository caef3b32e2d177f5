"""`twinmx evacuate`: a host that is dying, and can still be reached, hands its mail to another one.

First Postfix does it itself: the host is drained, so its inbound queue goes to the peer's forwarder, and
everything deferred is tried once more. What is left then (mail that its provider puts off, mostly) goes
over as files: both instances are stopped, the messages are taken out of their queues, and the other host
adopts them.
"""

import shlex
import tempfile
from dataclasses import dataclass

from controller.errors import ControllerError
from controller.recovery.ledger import Ledger
from controller.recovery.onhost import OnHost
from controller.report import console, heading, note
from controller.rolling.fleet import Fleet
from controller.rolling.gates import Clock, Gates
from controller.rolling.run import lock_of

REASON = "twinmx evacuate"
UNITS = ("postfix.service", "postfix@out.service")
WAITING = "{ postqueue -j; postqueue -c /etc/postfix-out -j; } | wc -l"
REQUEUE_SECONDS = 600.0
LOOK_SECONDS = 2.0
PATIENCE_SECONDS = 120.0
DRAIN_SECONDS = 300.0


@dataclass(frozen=True)
class Wishes:
    """to: who takes the mail; the first that carries mail without it. at_once: leave out what takes time."""

    to: str = ""
    patience_seconds: float = PATIENCE_SECONDS
    at_once: bool = False
    break_lock: bool = False


def evacuate(fleet: Fleet, name: str, wishes: Wishes, clock: Clock) -> Ledger:
    """Empty the queues of `name`, which is then drained and has no Postfix running; what went as files.

    ControllerError where nobody can take the mail, or a step failed: the same again goes on.
    """
    peer = _chosen(fleet, name, wishes.to)
    source, target = OnHost(fleet.remotes[name]), OnHost(fleet.remotes[peer])
    heading(f"{name} → {peer}")
    with lock_of(fleet, [name, peer]).held(break_stale=wishes.break_lock):
        gates = Gates(fleet, "", clock)
        gates.others_greet([name])
        if not wishes.at_once:
            _drain(fleet, gates, name)
            _hand_over(source, wishes, clock)
        source.remote.run(shlex.join(["systemctl", "stop", *UNITS]), seconds=DRAIN_SECONDS)
        note(f"✓ Postfix is stopped on {name}")
        return _move(source, target)


def _chosen(fleet: Fleet, name: str, wanted: str) -> str:
    for known in (name, wanted) if wanted else (name,):
        if known not in fleet.remotes:
            raise ControllerError(f"{known}: no such exchanger; allowed: {', '.join(fleet.remotes)}")
    agents = fleet.agents()
    others = [wanted] if wanted else [other for other in fleet.remotes if other != name]
    carrying = [other for other in others if other != name and agents[other].carries]
    if not carrying:
        told = "; ".join(f"{other}: {agents[other].why_not}" for other in others if other != name)
        raise ControllerError(f"nobody can take the mail of {name} ({told or 'there is no other'})")
    return carrying[0]


def _drain(fleet: Fleet, gates: Gates, name: str) -> None:
    """Drained for good, also where it is for a time, or on its way: it is not to come back by itself."""
    agent = fleet.agent(name)
    if agent.state in ("absent", "silent"):
        raise ControllerError(
            f"{name} cannot be drained: {agent.why_not}. Without it, with Postfix stopped at once: --at-once"
        )
    if agent.active:
        if not agent.closed:
            gates.free(name)
        words = ["mxctl", "drain", "--wait", "--reason", REASON]
        fleet.remotes[name].run(shlex.join(words), seconds=DRAIN_SECONDS)
    note(f"✓ {name} is drained")


def _hand_over(source: OnHost, wishes: Wishes, clock: Clock) -> None:
    """Have Postfix try everything once more, and wait while that empties the queues."""
    asked = source.remote.try_("mxctl requeue", seconds=REQUEUE_SECONDS)
    note(asked.said)
    deadline = clock.now() + wishes.patience_seconds
    with console.status("waiting for the queues to empty") as status:
        while waiting := int(source.remote.run(WAITING)):
            if clock.now() >= deadline:
                note(f"{waiting} are left after {wishes.patience_seconds:g} s: they go over as files")
                return
            status.update(f"{waiting} are left")
            clock.sleep(LOOK_SECONDS)
    note("✓ both queues are empty")


def _move(source: OnHost, target: OnHost) -> Ledger:
    """By files, what is left; a run that was broken off is taken up where it ended."""
    taken = sum(source.ask("take").values())
    stay = source.ask("left")
    if not taken:
        return Ledger.read(stay)
    with tempfile.TemporaryFile() as file:
        source.give(["give", target.name], file)
        file.seek(0)
        went = Ledger.read(target.take(["adopt", target.name, "-"], file))
    if len(went.entries) != taken:
        raise ControllerError(
            f"{taken} messages were taken out of the queues of {source.name}, and {target.name} has seen "
            f"{len(went.entries)}: the same again goes on"
        )
    them = "all but those that are left" if went.count("left") else "them"
    for directory in source.ask("forget"):
        note(f"{target.name} has {them}; nothing reads the files any more: {source.name}:{directory}")
    return Ledger([*went.entries, *Ledger.read(stay).entries])
