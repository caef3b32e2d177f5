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

DRIFT_MINUTES = 1
DRIFT = 60 * DRIFT_MINUTES // PERIOD + 2
"""Periods: a second comparison has found the same."""

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
    },
    drift={"minutes": DRIFT_MINUTES},
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


def seen(alert: Alert, period: int, *told: dict[str, str]) -> dict[str, Any]:
    """That `alert` fires with each of the labels in `told` at a period, and with no others."""
    return {
        "alertname": alert.name,
        "eval_time": f"{period * PERIOD}s",
        "exp_alerts": [_expected(alert, labels) for labels in told],
    }


def _life(alert: Alert, case: Case) -> list[dict[str, Any]]:
    fires = ONSET + case.late + (alert.periods or BAD) - 1
    clears = ONSET + SPELL + case.lingers + CLEAR + alert.lingers - 1
    return [
        seen(alert, fires - 1),
        seen(alert, fires, case.labels),
        seen(alert, clears - 1, case.labels),
        seen(alert, clears),
    ]


def _quiet(alert: Alert) -> list[dict[str, Any]]:
    return [seen(alert, period) for period in range(ONSET + SPELL + AFTER)]


def play(name: str, series: dict[str, str], expected: list[dict[str, Any]]) -> dict[str, Any]:
    """One test of promtool: series and their values, and what is expected when."""
    return {
        "name": name,
        "interval": f"{PERIOD}s",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "alert_rule_test": expected,
    }


def lives_of(alert: Alert, case: Case) -> list[dict[str, Any]]:
    """It fires after its periods and clears after its own, and a spell that is too short goes by unsaid."""
    found = [play(f"{alert.name}: fires and clears", case.bad, _life(alert, case))]
    if case.short:
        found.append(play(f"{alert.name}: a short spell", case.short, _quiet(alert)))
    return found


def silent(name: str, alert: str, series: dict[str, str]) -> dict[str, Any]:
    """A test in which `alert` never fires."""
    return play(f"{alert}: {name}", series, _quiet(ALERTS[alert]))


def always(alert: Alert) -> dict[str, Any]:
    """The test of the alert that fires from the first evaluation on."""
    expected = [seen(alert, period, {}) for period in (0, 1, ONSET)]
    return play("it always fires", {"up": "1x50"}, expected)
