"""Do the spam engines answer, and does everything get a score."""

from roles.lib.alerts.rule import Alert, Recording, Thresholds

BAD = "host_engine:failed_scans:share"
UNSCANNED = "host:unscanned_messages:share"


def recordings(told: Thresholds) -> list[Recording]:
    """Share of each engine's scans that came to nothing, and of messages without a score.

    A scan that lost the race against another engine (dropped, busy) says nothing about its engine.
    """
    window, least = told.window, told.monitors.engine_scans
    failed = f'increase(twinmx_spam_scans_total{{outcome!~"ok|dropped|busy"}}[{window}])'
    scans = f'increase(twinmx_spam_scans_total{{outcome!~"dropped|busy"}}[{window}])'
    missing = f'sum by (host) (increase(twinmx_spam_unscanned_total{{reason!="off"}}[{window}]))'
    scored = f'sum by (host) (increase(twinmx_spam_scans_total{{outcome="ok"}}[{window}]))'
    return [
        Recording(BAD, f"sum by (host, engine) ({failed}) / (sum by (host, engine) ({scans}) >= {least})"),
        Recording(UNSCANNED, f"{missing} / (({missing} + ({scored} or 0 * {missing})) >= {least})"),
    ]


def alerts(told: Thresholds) -> list[Alert]:
    """Engines that fail, and what passes because of it."""
    limits = told.monitors
    return [
        Alert(
            "EngineTimeouts",
            "ticket",
            f"{BAD} > {limits.engine_share}",
            "The spam check of {{ $labels.host }} leans on one engine less: it may be slower and miss more.",
            "{{ $labels.engine }}: its unit, its CPU and memory caps, its log; `mxctl engine` takes it out.",
        ),
        Alert(
            "EngineBreakerOpen",
            "ticket",
            "max by (host, engine) (twinmx_spam_breaker_state) > 0",
            "The spam check of {{ $labels.host }} does without {{ $labels.engine }}, so more spam may pass.",
            "{{ $labels.engine }} failed several times in a row; it is tried again by itself. See its log.",
        ),
        Alert(
            "Unscanned",
            "page",
            f"{UNSCANNED} > {limits.unscanned_share}",
            "Users get mail that no spam engine has looked at, through {{ $labels.host }}.",
            "Both engines of that host, or the deadline: `mxctl engine`, load of the host.",
        ),
    ]
