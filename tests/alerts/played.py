"""A life of one alert, played by `promtool test rules`: figures go bad, stay so, and are good again."""

from dataclasses import dataclass, field
from typing import Any

from inventory.schema import Exchange
from roles.lib.alerts import groups
from roles.lib.alerts.rule import Alert
from tests.unit.roles.exchanges import exchange

PERIOD = 15  # seconds
WINDOW = 60  # seconds: four periods
BAD, PENDING, CANARY, CLEAR = 4, 10, 5, 3
FAILOVER_STUCK = 75  # seconds: six periods, the first and the last of them 75 s apart

ONSET, SPELL, AFTER = 10, 20, 20
"""Periods that are good, bad, and good again."""

EXCHANGE: Exchange = exchange(
    monitors={
        "scrape_seconds": PERIOD,
        "window_seconds": WINDOW,
        "bad_periods": BAD,
        "pending_checks": PENDING,
        "canary_periods": CANARY,
        "clear_periods": CLEAR,
        "failover_stuck_seconds": FAILOVER_STUCK,
    }
)
ALERTS: dict[str, Alert] = {alert.name: alert for group in groups(EXCHANGE) for alert in group.alerts}


def constant(value: float | str) -> str:
    """A figure that never changes (promtool's notation: a value, and how often it is repeated)."""
    return f"{value}x{ONSET + SPELL + AFTER}"


def level(good: float | str, bad: float | str, spell: int = SPELL) -> str:
    """A figure that is bad for `spell` periods."""
    return f"{good}x{ONSET - 1} {bad}x{spell - 1} {good}x{AFTER}"


def counter(good: int, bad: int, spell: int = SPELL) -> str:
    """A counter that grows by `good` a period, by `bad` for `spell` of them, then by `good` again."""
    before = good * (ONSET - 1)
    top = before + bad * spell
    return f"0+{good}x{ONSET - 1} {before + bad}+{bad}x{spell - 1} {top + good}+{good}x{AFTER - 1}"


@dataclass(frozen=True)
class Case:
    """What makes an alert fire, and what it then says.

    bad: series → values, bad from ONSET on for SPELL periods. labels: of the alert, without its severity.
    late: periods until the expression is true; lingers: periods for which it stays so, since a window holds
    them. short: the same with a spell one period too short, where the window does not stretch it.
    """

    bad: dict[str, str]
    labels: dict[str, str]
    late: int = 0
    lingers: int = 0
    short: dict[str, str] = field(default_factory=dict)


def gauge(series: str, good: float | str, bad: float | str, periods: int, **labels: str) -> Case:
    """A case of one figure that an expression compares as it is."""
    short = {series: level(good, bad, periods - 1)}
    return Case({series: level(good, bad)}, labels or {"host": "mx1"}, short=short)


def _at(period: int) -> str:
    return f"{period * PERIOD}s"


def _expected(alert: Alert, labels: dict[str, str]) -> dict[str, Any]:
    def filled(text: str) -> str:
        for name, value in labels.items():
            text = text.replace(f"{{{{ $labels.{name} }}}}", value)
        return text

    return {
        "exp_labels": {"severity": alert.severity, **labels},
        "exp_annotations": {
            "summary": filled(alert.summary),
            "cause": filled(alert.cause),
            "runbook": alert.runbook,
        },
    }


def _life(alert: Alert, case: Case) -> list[dict[str, Any]]:
    fires = ONSET + case.late + (alert.periods or BAD) - 1
    clears = ONSET + SPELL + case.lingers + CLEAR - 1
    told = [_expected(alert, case.labels)]
    return [
        {"alertname": alert.name, "eval_time": _at(period), "exp_alerts": told if firing else []}
        for period, firing in ((fires - 1, False), (fires, True), (clears - 1, True), (clears, False))
    ]


def _quiet(alert: Alert) -> list[dict[str, Any]]:
    return [
        {"alertname": alert.name, "eval_time": _at(period), "exp_alerts": []}
        for period in range(ONSET + SPELL + AFTER)
    ]


def _test(name: str, series: dict[str, str], expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "interval": f"{PERIOD}s",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "alert_rule_test": expected,
    }


def lives_of(alert: Alert, case: Case) -> list[dict[str, Any]]:
    """It fires after its periods and clears after its own, and a spell that is too short goes by unsaid."""
    found = [_test(f"{alert.name}: fires and clears", case.bad, _life(alert, case))]
    if case.short:
        found.append(_test(f"{alert.name}: a short spell", case.short, _quiet(alert)))
    return found


def silent(name: str, alert: str, series: dict[str, str]) -> dict[str, Any]:
    """A test in which `alert` never fires."""
    return _test(f"{alert}: {name}", series, _quiet(ALERTS[alert]))


def always(alert: Alert) -> dict[str, Any]:
    """The test of the alert that fires from the first evaluation on."""
    told = [_expected(alert, {})]
    expected = [
        {"alertname": alert.name, "eval_time": _at(period), "exp_alerts": told} for period in (0, 1, ONSET)
    ]
    return _test("it always fires", {"up": "1x50"}, expected)
