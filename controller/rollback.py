"""`twinmx rollback`: one exchanger back to what it was before its last converge, out of service meanwhile.

What is put back is kept on the host itself (roles/lib/onhost/generation.py): the release, the files that the
converge changed, and how each service was started. Packages, the database and DNS stay as they are.
"""

from controller.errors import ControllerError
from controller.lock import Lock
from controller.report import heading, note
from controller.rolling.agent import Agent
from controller.rolling.fleet import Fleet
from controller.rolling.gates import Clock, Gates


def rollback(fleet: Fleet, name: str, *, in_service: bool = False, break_lock: bool = False) -> None:
    """Take the exchanger `name` back; ControllerError where it cannot be, with what is left to do."""
    if name not in fleet.remotes:
        raise ControllerError(f"{name}: no such exchanger; allowed: {', '.join(fleet.remotes)}")
    gates = Gates(fleet, "", Clock())
    heading(name)
    others = [remote for known, remote in fleet.remotes.items() if known != name]
    with Lock([fleet.remotes[name]], others).held(break_stale=break_lock):
        fleet.can_go_back(name)
        agent = fleet.agent(name)
        if agent.ours:
            fleet.drain(name)  # by a run that was broken off; for its time anew
        elif not in_service and _is_to_be_drained(fleet, agent, name):
            gates.room([name])
            gates.others_greet([name])
            gates.free(name)
            _drain(fleet, name)
            note(f"✓ {name} is drained")
        try:
            note(fleet.rollback(name).rstrip())
            gates.answers(name)
            _bring_back(fleet, gates, name)
        except ControllerError as error:
            raise ControllerError(f"{error}{_kept_out(fleet, name)}") from None


def _drain(fleet: Fleet, name: str) -> None:
    try:
        fleet.drain(name)
    except ControllerError:
        if fleet.agent(name).ours:  # it is, or will be, but did not say so in time
            fleet.undrain(name)
        raise


def _kept_out(fleet: Fleet, name: str) -> str:
    """Have a host that we drained, and that is not what it was, not return by itself."""
    if not fleet.agent(name).ours:
        return ""
    try:
        fleet.drain(name, for_ever=True, wait=False)
    except ControllerError as error:
        return f"\nIt is drained, and could not be told to stay so: {error}"
    return f"\nIt stays drained: `mxctl undrain` on {name} brings it back."


def _is_to_be_drained(fleet: Fleet, agent: Agent, name: str) -> bool:
    """Whether it takes mail now; ControllerError where its agent cannot take it out of service."""
    others = any(other.active for known, other in fleet.exchange.exchangers.items() if known != name)
    if agent.state == "silent" and others:
        raise ControllerError(
            f"{name} cannot be drained: its failover agent does not answer; while it takes mail: --in-service"
        )
    return others and agent.active and not agent.closed and agent.state != "absent"


def _bring_back(fleet: Fleet, gates: Gates, name: str) -> None:
    agent = fleet.agent(name)
    if agent.closed and not agent.ours:
        note(f"{name} stays drained: who drained it brings it back")
        return
    if not agent.active:
        return
    gates.well(name)
    if agent.ours:
        fleet.undrain(name)
    gates.greets(name)
    gates.in_service(name)
    gates.canaries(name)
    note(f"✓ {name} is in service. The next converge brings it to what the inventory says again.")
