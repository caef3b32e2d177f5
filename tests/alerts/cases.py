"""What makes each alert fire. The figures are those that the programs expose (their metrics.py)."""

from roles.lib.alerts.programs import OTHERS
from roles.lib.alerts.watchers import MISSED_EVALUATIONS
from tests.alerts.played import (
    AFTER,
    BAD,
    CANARY,
    DRIFT,
    FAILOVER_STUCK,
    ONSET,
    PENDING,
    PERIOD,
    SPELL,
    WINDOW,
    Case,
    constant,
    counter,
    gauge,
    level,
    silent,
)

LINGERS = WINDOW // PERIOD - 1
"""A window still holds the last rise for so many periods."""

NOW = "1e9"  # far ahead of promtool's clock, which starts at 0


def up(job: str, instance: str = "1", host: str = "mx1") -> str:
    """Whether a program answers Prometheus."""
    return f'up{{job="{job}",host="{host}",instance="{instance}"}}'


STEADY = {up("canary", host=host): constant(1) for host in ("mx1", "mx2")}
"""Both exchangers answer: what a canary says of a host counts where neither of the two was silent."""


def canary(name: str, sender: str = "mx2", more: str = "") -> str:
    """A figure of the canary of `sender` about mx1; it must count for mx1."""
    return f'twinmx_canary_{name}{{job="canary",host="{sender}",instance="{sender}",via="mx1"{more}}}'


def scans(engine: str, outcome: str) -> str:
    """Questions to an engine."""
    return f'twinmx_spam_scans_total{{host="mx1",engine="{engine}",outcome="{outcome}"}}'


def deliveries(status: str) -> str:
    """What became of outbound deliveries."""
    return f'twinmx_deliveries_total{{host="mx1",instance="out",transport="smtp",status="{status}"}}'


def slow(series: str, quick: int, late: int) -> dict[str, str]:
    """A histogram of which a part of the entries is in the bucket `late` during the spell, not in `quick`."""
    head = series[:-1]
    return {
        f'{head},le="{quick}"}}': counter(10, 5),
        f'{head},le="{late}"}}': counter(10, 10),
        f'{head},le="+Inf"}}': counter(10, 10),
    }


def clock(ahead: int) -> str:
    """A host's clock that is wrong during the spell; promtool's own starts at 0."""
    onset, end = ONSET * PERIOD, (ONSET + SPELL) * PERIOD
    return f"0+{PERIOD}x{ONSET - 1} {onset + ahead}+{PERIOD}x{SPELL - 1} {end}+{PERIOD}x{AFTER}"


def last_evaluation() -> str:
    """When rules were last evaluated, by a Prometheus that stops in time to be too old at ONSET."""
    last = ONSET - MISSED_EVALUATIONS - 1
    stands = ONSET + SPELL - last - 1
    return f"0+{PERIOD}x{last} {last * PERIOD}x{stands - 1} {(ONSET + SPELL) * PERIOD}+{PERIOD}x{AFTER}"


DELIVERY = 'twinmx_delivery_seconds_bucket{host="mx1",instance="in",transport="fwd"}'
STAGE = 'twinmx_delivery_stage_seconds_bucket{host="mx1",instance="out",transport="smtp",stage="in_queue"}'
OLDER = 'twinmx_queue_messages_older{host="mx1",instance="in",queue="deferred",seconds="60"}'
OLDEST = 'twinmx_queue_oldest_seconds{host="mx1",instance="in",queue="active"}'
LIMITED = 'twinmx_gate_limited_total{host="mx1",instance="1",account="shop"}'
UNSCANNED = 'twinmx_spam_unscanned_total{host="mx1",reason="late"}'
COMPARED = 'twinmx_drift_checked_seconds{host="mx1"}'
PROBE = 'probe_success{job="smtp",host="mx1",instance="x"}'
NODE = 'host="mx1",mountpoint="/"'
EVALUATED = 'prometheus_rule_group_last_evaluation_timestamp_seconds{host="mx1",rule_group="mail"}'
FAILED = 'alertmanager_notifications_failed_total{host="mx1",integration="webhook",reason="other"}'
ACTS = 'twinmx_failover_acts_total{host="mx1",act="drain"}'
MX1 = {"host": "mx1"}

CASES: dict[str, list[Case]] = {
    "PendingMail": [gauge(OLDER, 50, 51, PENDING)],
    "DeliveryDelay": [
        Case(slow(DELIVERY, 30, 300), MX1, lingers=LINGERS),
        Case(slow(STAGE, 30, 300), MX1, lingers=LINGERS),
    ],
    "OldestMessage": [gauge(OLDEST, 1800, 1801, BAD)],
    "DeferralRatio": [
        Case({deliveries("sent"): constant("0+10"), deliveries("deferred"): counter(0, 50)}, MX1, lingers=3)
    ],
    "CanaryDelay": [
        Case(STEADY | slow(canary("delay_seconds_bucket"), 60, 300), MX1, lingers=LINGERS),
        Case(
            STEADY | {canary("waiting_seconds"): level(1, 121)},
            MX1,
            short=STEADY | {canary("waiting_seconds"): level(1, 121, CANARY - 1)},
        ),
    ],
    "CanaryLost": [
        # two within the window: true one period after the first, and one period less at the end
        Case(STEADY | {canary("lost_total"): counter(0, 1)}, MX1, late=1, lingers=LINGERS - 1),
        Case(STEADY | {canary("refused_total"): counter(0, 2)}, MX1, lingers=LINGERS),
        # one of each, and each counted by another host
        Case(
            STEADY | {canary("lost_total", "mx1"): counter(0, 1), canary("refused_total"): counter(0, 1)},
            MX1,
            lingers=LINGERS,
        ),
    ],
    "CanaryVerdict": [
        Case(
            STEADY | {canary("verdict_wrong_total", more=',letter="ham"'): counter(0, 1)},
            {"host": "mx1", "letter": "ham"},
            lingers=LINGERS,
        )
    ],
    "AccountFlood": [Case({LIMITED: counter(0, 101)}, {"host": "mx1", "account": "shop"}, lingers=LINGERS)],
    "EngineTimeouts": [
        Case(
            {scans("rspamd", "ok"): counter(20, 5), scans("rspamd", "late"): counter(0, 95)},
            {"host": "mx1", "engine": "rspamd"},
            lingers=LINGERS,
        )
    ],
    "EngineBreakerOpen": [
        gauge(
            'twinmx_spam_breaker_state{host="mx1",instance="1",engine="rspamd"}',
            0,
            state,
            BAD,
            host="mx1",
            engine="rspamd",
        )
        for state in (1, 2)
    ],
    "Unscanned": [
        Case({UNSCANNED: counter(0, 20), scans("rspamd", "ok"): counter(20, 20)}, MX1, lingers=LINGERS),
        Case({UNSCANNED: counter(0, 20)}, MX1, lingers=LINGERS),  # no engine has ever answered
    ],
    **{
        f"{name}Gone": [
            Case(
                {up(job, "1"): level(1, 0), up(job, "2"): level(1, 0), up(job, "1", "mx2"): constant(1)},
                MX1,
                short={up(job, "1"): level(1, 0, BAD - 1)},
            )
        ]
        for name, job in (("Forwarders", "forwarder"), ("Gates", "gate"))
    },
    **{
        f"{name}Missing": [
            Case(
                {up(job, "1"): constant(1), up(job, "2"): level(1, 0)},
                MX1,
                short={up(job, "1"): constant(1), up(job, "2"): level(1, 0, BAD - 1)},
            )
        ]
        for name, job in (("Forwarders", "forwarder"), ("Gates", "gate"))
    },
    "SmtpSilent": [gauge(PROBE, 1, 0, BAD)],
    "ProgramMissing": [gauge(up(job), 1, 0, BAD, host="mx1", job=job) for job in OTHERS],
    "QueueUnread": [
        gauge('twinmx_queue_read_age_seconds{host="mx1",instance="out"}', 900, age, BAD)
        for age in (901, "9e99")
    ],
    "SnapshotStale": [
        gauge('twinmx_aliases_source_age_seconds{host="mx1"}', 300, age, BAD) for age in (301, "9e99")
    ],
    "ValkeyMissing": [
        gauge('twinmx_limits_local{host="mx1",job="gate",instance="2"}', 0, 1, BAD),
        gauge('redis_up{host="mx1"}', 1, 0, BAD),
    ],
    "DiskFull": [
        gauge('twinmx_queue_free_bytes{host="mx1",instance="out"}', 1_000_000_000, 999_999_999, BAD),
        Case(
            {
                f"node_filesystem_size_bytes{{{NODE}}}": constant(1000),
                f"node_filesystem_avail_bytes{{{NODE}}}": level(100, 99),
            },
            MX1,
        ),
    ],
    "InodesFull": [
        gauge('twinmx_queue_free_inodes{host="mx1",instance="in"}', 20_000, 19_999, BAD),
        Case(
            {
                f"node_filesystem_files{{{NODE}}}": constant(1000),
                f"node_filesystem_files_free{{{NODE}}}": level(100, 99),
            },
            MX1,
        ),
    ],
    "CertificateExpires": [
        gauge('probe_ssl_earliest_cert_expiry{job="smtp",host="mx1"}', NOW, 14 * 86_400, BAD)
    ],
    "ClockWrong": [
        gauge('node_timex_offset_seconds{host="mx1"}', 0.1, -2.1, BAD),
        Case({'node_time_seconds{host="mx1"}': clock(ahead=3)}, MX1),
        Case({'node_time_seconds{host="mx1"}': clock(ahead=-3)}, MX1),
    ],
    "ResolverSlow": [
        gauge('twinmx_resolver_seconds{host="mx1"}', 0.1, slowly, BAD) for slowly in (2.1, "9e99")
    ],
    "UpgradesWait": [gauge('twinmx_upgraded_seconds{host="mx1"}', NOW, -3 * 86_400, BAD)],
    "Drift": [gauge('twinmx_drift{host="mx1",kind="cron"}', 0, 1, DRIFT, host="mx1", kind="cron")],
    "DriftUnknown": [
        gauge('twinmx_drift_errors{host="mx1"}', 0, 1, DRIFT),
        gauge(COMPARED, NOW, "-1000", DRIFT),
        Case(
            {up("node"): constant(1), COMPARED: f"{NOW}x{ONSET - 1} stale _x{SPELL - 1} {NOW}x{AFTER}"},
            MX1,
        ),
    ],
    "HostSilent": [
        Case(
            {up("node"): level(1, 0), up("gate"): level(1, 0), up("smtp"): constant(1)},
            MX1,
            short={up("node"): level(1, 0, BAD - 1)},
        )
    ],
    "PrometheusSilent": [
        gauge(up("prometheus"), 1, 0, BAD),
        Case({EVALUATED: last_evaluation()}, MX1),
    ],
    "AlertmanagerSilent": [gauge(up("alertmanager"), 1, 0, BAD)],
    "NotificationsFail": [
        Case({FAILED: counter(0, 1)}, {"host": "mx1", "integration": "webhook"}, lingers=LINGERS)
    ],
    "FailoverActed": [Case({ACTS: counter(0, 1)}, {"host": "mx1", "act": "drain"}, lingers=LINGERS)],
    "FailoverCannot": [
        gauge(f'twinmx_failover_fault{{host="mx1",what="{what}"}}', 0, 1, BAD, host="mx1", what=what)
        for what in ("dns", "state")
    ],
    "FailoverStuck": [
        gauge(
            f'twinmx_failover_state{{host="mx1",state="{state}"}}',
            0,
            1,
            FAILOVER_STUCK // PERIOD + 1,
            host="mx1",
            state=state,
        )
        for state in ("draining", "returning")
    ],
}

QUIET = [
    silent("few deliveries", "DeferralRatio", {deliveries("sent"): "0x50", deliveries("deferred"): "0+4x50"}),
    silent(
        "what the other engine won",
        "EngineTimeouts",
        {scans("rspamd", "busy"): "0+90x50", scans("rspamd", "ok"): "0+9x50"},
    ),
    silent("no engine is wanted", "Unscanned", {UNSCANNED.replace("late", "off"): "0+90x50"}),
    silent("mail put on hold", "PendingMail", {OLDER.replace("deferred", "hold"): "900x50"}),
    silent(
        "a few, each to another account",
        "AccountFlood",
        {LIMITED.replace("shop", f"a{number}"): "0+20x50" for number in range(9)},
    ),
    silent(
        "drained is a state to be in",
        "FailoverStuck",
        {'twinmx_failover_state{host="mx1",state="drained"}': "1x50"},
    ),
    silent(
        "some workers are away",
        "ForwardersGone",
        {up("forwarder", "1"): "0x50", up("forwarder", "2"): "1x50"},
    ),
    silent("all are away", "ForwardersMissing", {up("forwarder", "1"): "0x50", up("forwarder", "2"): "0x50"}),
    silent("one program answers", "HostSilent", {up("node"): "0x50", up("gate"): "1x50"}),
    silent(
        "a file system without a number of inodes",
        "InodesFull",
        {f"node_filesystem_files{{{NODE}}}": "0x50", f"node_filesystem_files_free{{{NODE}}}": "0x50"},
    ),
    silent("a provider that is slow", "DeliveryDelay", slow(DELIVERY.replace('"in"', '"out"'), 30, 300)),
]
