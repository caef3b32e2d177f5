"""The plan as one document. `twinmx plan --json` prints it; its schema is docs/plan.schema.json."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from controller.reaching import with_way_out
from roles.lib import telling
from roles.lib.changes import ByHand, Change, Kept, Obstacle, ServiceChange, StepChange
from roles.lib.telling import Account, Step

NOTHING = "nothing"
NOUNS = {
    "package": ("package", "packages"),
    "release": ("release", "releases"),
    "file": ("file", "files"),
    "start": ("start", "starts"),
    "restart": ("restart", "restarts"),
    "reload": ("reload", "reloads"),
    "record": ("record", "records"),
    "step": ("other step", "other steps"),
}
"""What a summary counts, in its order."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Place(_Part):
    """What would happen at one host, or to DNS."""

    summary: str = Field(description="One line, such as '3 files, 1 restart', 'nothing' or the first error.")
    changes: list[Annotated[Change, Field(discriminator="kind")]] = Field(
        description="What a converge would do, in its order."
    )
    kept: list[Kept] = Field(
        description="What stays although the inventory says otherwise, as in a failover."
    )
    by_hand: list[ByHand] = Field(description="Records for you to set: the inventory names no DNS server.")
    errors: list[str] = Field(
        description="Why this place could not be asked, or why a converge would stop there."
    )


class Plan(_Part):
    """What `twinmx converge` with the same inventory and flags would change. Secrets are never in it."""

    version: Literal[1] = 1
    inventory: str
    flags: dict[str, str]
    result: Literal["nothing", "changes", "error"] = Field(
        description="Also the exit status: 0, 2 and 1; an error anywhere counts more than a change."
    )
    errors: list[str] = Field(description="Why there is no plan at all; then hosts is empty.")
    hosts: dict[str, Place] = Field(description="By name, in the inventory's order; the database's host too.")
    dns: Place

    @property
    def status(self) -> int:
        """The exit status."""
        return {"nothing": 0, "changes": 2, "error": 1}[self.result]

    @property
    def places(self) -> dict[str, Place]:
        """All hosts, then DNS."""
        return {**self.hosts, telling.DNS: self.dns}


def plan_of(
    inventory: str, flags: Mapping[str, str], account: Account, operations: Iterable[Mapping[str, Any]]
) -> Plan:
    """The plan from what the operations told, and from pyinfra's own list of those that would do something.

    An operation that told nothing and would change something is a step under its name: nothing is left out.
    """
    planned = list(operations)
    places = {
        name: _place([*told.steps, *_untold(told, planned)], told.errors, failed=told.failed)
        for name, told in account.places.items()
    }
    dns = places.pop(telling.DNS, _place([], [], failed=False))
    result = result_of([*places.values(), dns])
    return Plan(inventory=inventory, flags=dict(flags), result=result, errors=[], hosts=places, dns=dns)


def result_of(places: Iterable[Place]) -> Literal["nothing", "changes", "error"]:
    """An error anywhere counts more than a change."""
    everywhere = list(places)
    if any(place.errors for place in everywhere):
        return "error"
    return "changes" if any(place.changes for place in everywhere) else "nothing"


def no_plan(inventory: str, flags: Mapping[str, str], error: str) -> Plan:
    """The document where there is none, because of `error`."""
    nothing = _place([], [], failed=False)
    return Plan(inventory=inventory, flags=dict(flags), result="error", errors=[error], hosts={}, dns=nothing)


def _untold(told: telling.Place, planned: Iterable[Mapping[str, Any]]) -> list[Step]:
    known = {step.operation for step in told.steps}
    return [
        Step(operation=operation["op_hash"], what=StepChange(text=operation["name"]))
        for operation in planned
        if told.pyinfra in (*operation["hosts_with_change"], *operation["hosts_with_conditional_change"])
        and operation["op_hash"] not in known
        and not told.failed
    ]


def _place(steps: Sequence[Step], errors: Sequence[str], *, failed: bool) -> Place:
    told = [step.what for step in steps]
    kept = [what for what in told if isinstance(what, Kept)]
    by_hand = [what for what in told if isinstance(what, ByHand)]
    changes = [what for what in told if not isinstance(what, (Kept, ByHand, Obstacle))]
    found = [*errors, *(what.text for what in told if isinstance(what, Obstacle))]
    if failed and not found:
        found = ["could not be asked"]
    summary = summary_of(changes, found)
    reasons = [with_way_out(error) for error in found]
    return Place(summary=summary, changes=changes, kept=kept, by_hand=by_hand, errors=reasons)


def _counted(change: Change) -> str:
    if isinstance(change, ServiceChange):
        return "step" if change.action == "apply" else change.action
    return change.kind


def summary_of(changes: Iterable[Change], errors: Sequence[str]) -> str:
    """How many of what would change, or the first error."""
    if errors:
        return f"error: {errors[0]}"
    counted = Counter(_counted(change) for change in changes)
    parts = [f"{counted[kind]} {nouns[counted[kind] > 1]}" for kind, nouns in NOUNS.items() if counted[kind]]
    return ", ".join(parts) or NOTHING
