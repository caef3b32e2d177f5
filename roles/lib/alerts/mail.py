"""Is mail moving: the inbound queue, delays, the canary, what providers put off, floods."""

from roles.lib.alerts.hosts import ANSWERS
from roles.lib.alerts.rule import Alert, Recording, Thresholds

INBOUND_P95 = "host:delivery_seconds:p95"
ACTIVE_P95 = "host:outbound_active_seconds:p95"
CANARY_P95 = "host:canary_delay_seconds:p95"
DEFERRED = "host:deferred_deliveries:share"
STEADY = "host:answers:steady"
"""Exchangers that were there for the whole window; see _steady."""


def _steady(told: Thresholds) -> str:
    """Hosts that have answered for a window, and for bad_periods before it, in which late mail arrived.

    A Prometheus that was frozen itself has no answers of that time, and a host that was has none to give.
    Fewer than bad_periods missing ones are no silence.
    """
    limits = told.monitors
    wanted = limits.window_seconds // limits.scrape_seconds + limits.bad_periods
    spared = limits.bad_periods - 1
    answers = f"sum_over_time({ANSWERS}[{(wanted + spared) * limits.scrape_seconds}s])"
    return f"max by (host) ({answers}) >= {wanted}"


def _through(expression: str) -> str:
    """The canary's figures under the exchanger that the messages went through.

    Of hosts that are steady alone: a canary that was frozen finds its messages late, and those through a host
    that was silent are late for a reason that has been told.
    """
    seen = f"({expression}) and on (host) {STEADY}"
    return f'(label_replace({seen}, "host", "$1", "via", "(.*)") and on (host) {STEADY})'


def recordings(told: Thresholds) -> list[Recording]:
    """Percentiles of the delays, and the share that providers put off."""
    window, least = told.window, told.monitors.deferral_messages
    canary = f"rate(twinmx_canary_delay_seconds_bucket[{window}])"
    inbound = f'rate(twinmx_delivery_seconds_bucket{{instance="in"}}[{window}])'
    active = f'rate(twinmx_delivery_stage_seconds_bucket{{instance="out",stage="in_queue"}}[{window}])'
    deferred = f'increase(twinmx_deliveries_total{{instance="out",status="deferred"}}[{window}])'
    outbound = f'increase(twinmx_deliveries_total{{instance="out"}}[{window}])'
    return [
        Recording(STEADY, _steady(told)),
        Recording(CANARY_P95, f"histogram_quantile(0.95, sum by (host, le) ({_through(canary)}))"),
        Recording(INBOUND_P95, f"histogram_quantile(0.95, sum by (host, le) ({inbound}))"),
        Recording(ACTIVE_P95, f"histogram_quantile(0.95, sum by (host, le) ({active}))"),
        Recording(DEFERRED, f"sum by (host) ({deferred}) / (sum by (host) ({outbound}) >= {least})"),
    ]


def alerts(told: Thresholds) -> list[Alert]:
    """What users would notice of their mail."""
    return [*_queues(told), *_canary(told), *_peaks(told)]


def _queues(told: Thresholds) -> list[Alert]:
    limits = told.monitors
    waiting = 'sum by (host) (twinmx_queue_messages_older{instance="in",queue!="hold",seconds="60"})'
    oldest = 'max by (host) (twinmx_queue_oldest_seconds{instance="in",queue!="hold"})'
    delay = limits.delivery_p95_seconds
    return [
        Alert(
            "PendingMail",
            "page",
            f"{waiting} > {limits.pending_messages}",
            "Mail to aliases at {{ $labels.host }} waits for over a minute and piles up.",
            "`mxctl queue` says for whom and why; then forwarders, spam engines, postfix-out of that host.",
            limits.pending_checks,
        ),
        Alert(
            "DeliveryDelay",
            "page",
            f"{INBOUND_P95} > {delay} or {ACTIVE_P95} > {delay}",
            "Mail through {{ $labels.host }} reaches mailboxes late.",
            "The delays a/b/c/d in the log of Postfix: before the queue, in it, connection, transmission.",
        ),
        Alert(
            "OldestMessage",
            "ticket",
            f"{oldest} > {limits.oldest_seconds}",
            "Somebody waits for a message that does not get past {{ $labels.host }}.",
            "`mxctl queue --instance in` shows the oldest; the log of the forwarder has its queue id.",
        ),
        Alert(
            "DeferralRatio",
            "page",
            f"{DEFERRED} > {limits.deferral_share}",
            "Mailbox providers put off much of the mail from {{ $labels.host }}, so it arrives late.",
            "`mxctl queue --instance out --by reason`: a block list, a provider that is down, our resolver.",
        ),
    ]


def _canary(told: Thresholds) -> list[Alert]:
    limits, window = told.monitors, told.window
    via = f'via=~"{told.active}"'
    late = limits.canary_p95_seconds
    waiting = f"max by (host) ({_through(f'twinmx_canary_waiting_seconds{{{via}}}')})"
    gone = " or ".join(
        f'label_replace(increase(twinmx_canary_{what}_total{{{via}}}[{window}]), "what", "{what}", "", "")'
        for what in ("lost", "refused")
    )
    wrong = f"increase(twinmx_canary_verdict_wrong_total{{{via}}}[{window}])"
    return [
        Alert(
            "CanaryDelay",
            "page",
            f"{CANARY_P95} > {late} or {waiting} > {late}",
            "A message through {{ $labels.host }} takes minutes to arrive.",
            "The canary's own log; then the queues of that host, which it shares with users.",
            limits.canary_periods,
        ),
        Alert(
            "CanaryLost",
            "page",
            f"sum by (host) ({_through(f'({gone})')}) >= {limits.canary_lost_messages}",
            "{{ $labels.host }} takes no mail, or mail that it took does not arrive.",
            "Port 25 of that host, its gate, and the queue id in the canary's log.",
        ),
        Alert(
            "CanaryVerdict",
            "page",
            f"sum by (host, letter) ({_through(wrong)}) > 0",
            "The spam filter of {{ $labels.host }} is wrong: good mail is refused, or spam passes.",
            "{{ $labels.letter }}: ham was taken for spam, or gtube let through; the gate's log has scores.",
            1,
        ),
    ]


def _peaks(told: Thresholds) -> list[Alert]:
    refused = f"sum by (host, account) (increase(twinmx_gate_limited_total[{told.window}]))"
    return [
        Alert(
            "AccountFlood",
            "ticket",
            f"{refused} > {told.monitors.flood_messages}",
            "Senders to {{ $labels.account }} hear that it receives too much; nobody else is held up.",
            "{{ $labels.account }} is flooded at {{ $labels.host }}: `mxctl top`; `mxctl alias disable`.",
        )
    ]
