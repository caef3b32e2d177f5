"""Rules as Prometheus reads them (https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/)."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from inventory.monitors import Monitors
from inventory.receivers import Severity
from inventory.schema import Exchange

RUNBOOKS = "docs/runbooks.md"
ALWAYS: Final = "heartbeat"
"""The severity of the alert that always fires; no route for people takes it."""


@dataclass(frozen=True)
class Recording:
    """A figure for several rules and for people, computed once a period; `name` is level:metric:operation."""

    name: str
    expression: str


@dataclass(frozen=True)
class Alert:
    """One reason to tell somebody.

    summary: one sentence of what a user feels. cause: where to look first. Both may hold {{ $labels.host }}.
    periods: bad ones in a row until it fires; None takes monitors.bad_periods. lingers: periods for which it
    goes on firing after others have cleared. Every alert that concerns a host has its short name in the label
    `host`.
    """

    name: str
    severity: Severity | Literal["heartbeat"]
    expression: str
    summary: str
    cause: str
    periods: int | None = None
    lingers: int = 0

    @property
    def runbook(self) -> str:
        """Where it says what to do: file and anchor."""
        return f"{RUNBOOKS}#{self.name.lower()}"


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    recordings: list[Recording]
    alerts: list[Alert] = field(default_factory=list)


class Thresholds:
    """The inventory's figures in the form in which expressions have them."""

    def __init__(self, exchange: Exchange) -> None:
        self.monitors: Monitors = exchange.monitors
        self.window = f"{exchange.monitors.window_seconds}s"
        self.drift_seconds = 60 * exchange.drift.minutes
        self.active = "|".join(name for name, host in exchange.exchangers.items() if host.active)


def lasting(periods: int, seconds: int) -> str:
    """The `for`, or `keep_firing_for`, of so many periods in a row: from the first of them to the last.

    An alert that is pending since one evaluation fires at the first one that is `for` or more behind it.
    """
    return f"{(periods - 1) * seconds}s"


def rule_file(groups: list[Group], monitors: Monitors) -> dict[str, Any]:
    """The rules as the content of a rule file."""
    period = monitors.scrape_seconds
    return {
        "groups": [
            {
                "name": group.name,
                "interval": f"{period}s",
                "rules": [
                    *({"record": one.name, "expr": one.expression} for one in group.recordings),
                    *(_alert(one, monitors) for one in group.alerts),
                ],
            }
            for group in groups
        ]
    }


def _alert(alert: Alert, monitors: Monitors) -> dict[str, Any]:
    periods = alert.periods or monitors.bad_periods
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": lasting(periods, monitors.scrape_seconds),
        "keep_firing_for": lasting(monitors.clear_periods + alert.lingers, monitors.scrape_seconds),
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "cause": alert.cause, "runbook": alert.runbook},
    }
