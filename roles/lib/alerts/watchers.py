"""Who watches the watchers: the other host's Prometheus and Alertmanager, and the failover agents."""

from roles.lib.alerts.rule import ALWAYS, Alert, Thresholds

MISSED_EVALUATIONS = 5


def alerts(told: Thresholds) -> list[Alert]:
    """Monitors that are silent, what the agents did and could not do, and the alert that always fires."""
    return [*_monitors(told), *_failover(told)]


def _monitors(told: Thresholds) -> list[Alert]:
    age = "time() - max by (host) (prometheus_rule_group_last_evaluation_timestamp_seconds)"
    old = MISSED_EVALUATIONS * told.monitors.scrape_seconds
    failed = f"increase(alertmanager_notifications_failed_total[{told.window}])"
    return [
        Alert(
            "PrometheusSilent",
            "page",
            f'(max by (host) (up{{job="prometheus"}}) == 0) or ({age} > {old})',
            "Users notice nothing, but {{ $labels.host }} no longer watches the other host.",
            "`systemctl status prometheus` there: disk, memory, a rule that takes too long.",
        ),
        Alert(
            "AlertmanagerSilent",
            "page",
            'max by (host) (up{job="alertmanager"}) == 0',
            "Users notice nothing, but alerts now leave from one host alone, not from {{ $labels.host }}.",
            "`systemctl status prometheus-alertmanager` there.",
        ),
        Alert(
            "NotificationsFail",
            "ticket",
            f"sum by (host, integration) ({failed}) > 0",
            "Users notice nothing, but a {{ $labels.integration }} receiver does not hear of alerts.",
            "`journalctl -u prometheus-alertmanager` there says what the receiver answered.",
        ),
        Alert(
            "Watchdog",
            ALWAYS,
            "vector(1)",
            "Nobody feels anything: the monitors live and can reach the receiver of their heartbeat.",
            "It always fires. Whoever misses it looks at both hosts.",
            1,
        ),
    ]


def _failover(told: Thresholds) -> list[Alert]:
    limits = told.monitors
    acted = f"sum by (host, act) (increase(twinmx_failover_acts_total[{told.window}]))"
    between = 'max by (host, state) (twinmx_failover_state{state=~"draining|returning"})'
    return [
        Alert(
            "FailoverActed",
            "ticket",
            f"{acted} > 0",
            "Users noticed little: the agent of {{ $labels.host }} acted by itself ({{ $labels.act }}).",
            "`mxctl failover status` has the evidence, and what it will take back by itself.",
            1,
        ),
        Alert(
            "FailoverCannot",
            "ticket",
            "max by (host, what) (twinmx_failover_fault) == 1",
            "Nobody feels it yet: the agent of {{ $labels.host }} cannot act in full ({{ $labels.what }}).",
            "`mxctl failover status` there says under `cannot` what fails, and why.",
        ),
        Alert(
            "FailoverStuck",
            "page",
            f"{between} == 1",
            "{{ $labels.host }} has been {{ $labels.state }} for long: mail in its queue may wait.",
            "`mxctl failover status` on both hosts; `journalctl -u failover`.",
            limits.failover_stuck_seconds // limits.scrape_seconds + 1,
        ),
    ]
