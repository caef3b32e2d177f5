"""What was told and done while something was broken: alerts as the pager took them, acts of the agents."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from lab import ssh, watching
from lab.settings import LAB, LabHost
from roles.lib.alerts.rule import ALWAYS

AUDIT = "/var/lib/twinmx/failover/audit.jsonl"

BEGINNINGS = ("drain", "demote", "bypass")
"""Acts that something must call for; the others end one of these, or say how far it is."""


@dataclass(frozen=True)
class Told:
    """A firing alert as the pager took it."""

    at: float
    name: str
    host: str


@dataclass(frozen=True)
class Done:
    """An act in the audit log of the agent of `by`."""

    at: float
    by: str
    name: str
    whom: str
    cause: str
    automatic: bool

    @property
    def says(self) -> str:
        """What was done to whom."""
        return f"{self.name} {self.whom}"


def told_since(since: float) -> list[Told]:
    """The alerts that the pager was told as firing from then on."""
    return [
        Told(at, alert["labels"]["alertname"], alert["labels"].get("host", ""))
        for at, alert in watching.told()
        if at >= since and alert["status"] == "firing" and alert["labels"].get("severity") != ALWAYS
    ]


def done_since(since: float) -> list[Done]:
    """What the agents of all hosts did from then on, by their audit logs, in order."""
    return sorted((one for host in LAB.hosts for one in _done(host, since)), key=lambda one: one.at)


def _done(host: LabHost, since: float) -> list[Done]:
    lines = ssh.on(host, f"cat {AUDIT}.1 {AUDIT} 2>/dev/null || true").splitlines()
    return [Done(by=host.alias, **entry) for entry in map(json.loads, lines) if entry["at"] >= since]


def first_alert(told: Sequence[Told], names: Sequence[str], begun: float, ended: float) -> float | None:
    """Seconds until the pager was told the first alert of these names."""
    times = [one.at - begun for one in told if one.name in names and begun <= one.at <= ended]
    return min(times, default=None)


def first_act(done: Sequence[Done], act: str | None, begun: float, ended: float) -> float | None:
    """Seconds until an agent did `act` by itself."""
    times = [one.at - begun for one in done if one.says == act and one.automatic and begun <= one.at <= ended]
    return min(times, default=None)
