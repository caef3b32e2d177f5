"""All differences as one document. `twinmx drift --json` prints it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from controller.plan.document import NOTHING, Plan
from controller.plan.document import Place as Planned
from roles.lib import telling
from roles.lib.changes import (
    Change,
    FileChange,
    PackageChange,
    RecordChange,
    ReleaseChange,
    ServiceChange,
)
from twinmx.drift.finding import Finding, Kind, Report
from twinmx.drift.manifest import MANIFEST

FILE = {"create": "put it there", "change": "change it", "remove": "remove it"}
RECORD = {"create": "it is missing", "change": "it differs", "remove": "it is still there"}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Difference(_Part):
    """One thing that differs. inventory: a converge would change it. record: a record set in DNS."""

    kind: Kind | Literal["inventory", "record"]
    name: str
    problem: str

    @property
    def line(self) -> str:
        """As text; kind and name are what `drift.allowed` of the inventory matches."""
        return f"{self.kind}:{self.name}: {self.problem}"


class Place(_Part):
    """A host, or DNS."""

    summary: str = Field(description="One line, such as '2 file, 1 unit', 'nothing' or the first error.")
    differences: list[Difference]
    allowed: list[Difference] = Field(description="What differs and may, by drift.allowed of the inventory.")
    errors: list[str] = Field(description="What could not be looked at, and why.")


class Drift(_Part):
    """What `twinmx drift` found. Secrets are never in it."""

    version: Literal[1] = 1
    inventory: str
    flags: dict[str, str]
    result: Literal["nothing", "drift", "error"] = Field(description="Also the exit status: 0, 2 and 1.")
    errors: list[str] = Field(description="Why nothing was compared at all; then hosts is empty.")
    hosts: dict[str, Place]
    dns: Place

    @property
    def status(self) -> int:
        """The exit status."""
        return {"nothing": 0, "drift": 2, "error": 1}[self.result]

    @property
    def places(self) -> dict[str, Place]:
        """All hosts, then DNS."""
        return {**self.hosts, telling.DNS: self.dns}


def drift_of(plan: Plan, reports: Mapping[str, Report | str]) -> Drift:
    """What the plan and the hosts' own reports tell. reports: by host; text: why there is none."""
    hosts = {name: _host(planned, reports.get(name, "was not asked")) for name, planned in plan.hosts.items()}
    records = [_record(change) for change in plan.dns.changes if isinstance(change, RecordChange)]
    dns = _place(records, [], plan.dns.errors)
    everywhere = [*hosts.values(), dns]
    result: Literal["nothing", "drift", "error"] = "nothing"
    if plan.errors or any(place.errors for place in everywhere):
        result = "error"
    elif any(place.differences for place in everywhere):
        result = "drift"
    return Drift(
        inventory=plan.inventory, flags=plan.flags, result=result, errors=plan.errors, hosts=hosts, dns=dns
    )


def _host(planned: Planned, report: Report | str) -> Place:
    if isinstance(report, str):
        return _place([], [], [*planned.errors, report])
    found, allowed = ([_difference(one) for one in many] for many in (report.findings, report.allowed))
    known = {one.name for one in (*found, *allowed)}
    told = [*found, *_untold(planned.changes, known)]
    errors = [f"{what} could not be looked at: {why}" for what, why in report.errors.items()]
    return _place(told, allowed, [*planned.errors, *errors])


def _difference(finding: Finding) -> Difference:
    return Difference(kind=finding.kind, name=finding.name, problem=finding.problem)


def _untold(changes: Iterable[Change], known: set[str]) -> Iterator[Difference]:
    """What a converge would do to a host for other reasons than those that the host knows itself."""
    named = set(known)
    for change in changes:
        name, problem = _planned(change)
        consequence = isinstance(change, ServiceChange) and (
            not named.isdisjoint(change.units)
            or any(one in reason for one in named for reason in change.reasons)
        )
        if name not in known and not consequence:
            yield Difference(kind="inventory", name=name, problem=problem)
        named |= _reason(change)


def _reason(change: Change) -> set[str]:
    """How a service that is restarted for its sake names it (roles/lib/converge.py)."""
    match change:
        case FileChange():
            return {change.path}
        case PackageChange():
            return {f"package {change.name}"}
        case ReleaseChange():
            return {f"release {change.version}"}
    return set()


def _planned(change: Change) -> tuple[str, str]:
    """Name and problem of what a converge would do."""
    match change:
        case FileChange() if change.path == str(MANIFEST):
            return change.path, "another inventory or checkout was converged last, or somebody changed it"
        case FileChange():
            return change.path, f"a converge would {FILE[change.action]}"
        case PackageChange():
            return change.name, f"a converge would {change.action} it"
        case ReleaseChange():
            return change.path, f"a converge would go from {change.previous or 'none'} to {change.version}"
        case ServiceChange():
            return change.name, f"a converge would {change.action} it: {', '.join(change.reasons)}"
        case _:
            return change.kind, f"a converge would do this: {change.headline}"


def _record(change: RecordChange) -> Difference:
    parts = [RECORD[change.action], *change.details]
    return Difference(kind="record", name=f"{change.name} {change.type}", problem="; ".join(parts))


def _place(differences: list[Difference], allowed: list[Difference], errors: list[str]) -> Place:
    counted = Counter(one.kind for one in differences)
    summary = ", ".join(f"{number} {kind}" for kind, number in counted.items()) or NOTHING
    if errors:
        summary = f"error: {errors[0]}"
    return Place(summary=summary, differences=differences, allowed=allowed, errors=errors)
