"""Is a host itself well: disk, certificate, clock, resolver, updates, drift; and does it answer at all."""

from roles.lib.alerts.rule import Alert, Thresholds

MEGABYTE = 1_000_000
DAY = 86_400
ANSWERS = 'up{job!~"smtp|blackbox"}'
"""What a host itself says; the others are probes of one host by another."""

MISSED_COMPARISONS = 3

SPREAD = 4
"""Periods by which figures of a host that is back get well after the first of them.

One until it is read, one that its first answers may take too long while all programs catch up, one until its
Prometheus has judged something again, one until that is judged here. An alert that HostSilent holds back has
to clear before HostSilent does, or it is told when all is over.
"""


def alerts(told: Thresholds) -> list[Alert]:
    """What makes a host unfit."""
    return [*_room(told), *_surroundings(told), *_drift(told)]


def _room(told: Thresholds) -> list[Alert]:
    limits = told.monitors
    space = "100 * node_filesystem_avail_bytes / node_filesystem_size_bytes"
    inodes = "100 * node_filesystem_files_free / node_filesystem_files"
    return [
        Alert(
            "DiskFull",
            "page",
            f"min by (host) (twinmx_queue_free_bytes) < {limits.disk_free_megabytes * MEGABYTE} "
            f"or min by (host) ({space}) < {limits.free_percent}",
            "{{ $labels.host }} will soon take no mail: its disk is nearly full.",
            "`df -h` there; `mxctl queue`, `mxctl quarantine list`, the journal, Prometheus' retention.",
        ),
        Alert(
            "InodesFull",
            "page",
            f"min by (host) (twinmx_queue_free_inodes) < {limits.free_inodes} "
            f"or min by (host) ({inodes}) < {limits.free_percent}",
            "{{ $labels.host }} will soon take no mail: its disk can hold few more files.",
            "`df -i` there; a message in a queue is a file: `mxctl queue`.",
        ),
    ]


def _surroundings(told: Thresholds) -> list[Alert]:
    limits = told.monitors
    ends = 'min by (host) (probe_ssl_earliest_cert_expiry{job="smtp"}) - time()'
    apart = "max by (host) (abs(node_time_seconds - timestamp(node_time_seconds)))"
    adrift = "max by (host) (abs(node_timex_offset_seconds))"
    clock = limits.clock_seconds
    return [
        Alert(
            "CertificateExpires",
            "ticket",
            f"{ends} < {limits.certificate_days * DAY}",
            "Senders that insist on TLS will give up on {{ $labels.host }} when its certificate ends.",
            "`twinmx certificates renew`, or new files at tls.certificate and tls.key; then converge.",
        ),
        Alert(
            "ClockWrong",
            "ticket",
            f"{apart} > {clock} or {adrift} > {clock}",
            "Mail through {{ $labels.host }} has wrong times, and what it signs may be refused.",
            "`timedatectl timesync-status` on both hosts: one of the two clocks is wrong.",
        ),
        Alert(
            "ResolverSlow",
            "ticket",
            f"max by (host) (twinmx_resolver_seconds) > {limits.resolver_seconds}",
            "Mail through {{ $labels.host }} is slow or waits, as names are resolved late or not at all.",
            "The name servers in /etc/resolv.conf of that host: `dig MX` of a provider at each.",
        ),
        Alert(
            "UpgradesWait",
            "ticket",
            f"time() - max by (host) (twinmx_upgraded_seconds) > {limits.upgrades_days * DAY}",
            "Users notice nothing yet, but {{ $labels.host }} has had known holes for days.",
            "`journalctl -u apt-daily-upgrade` there says why; mostly the other host was not well.",
        ),
        Alert(
            "HostSilent",
            "page",
            f"max by (host) ({ANSWERS}) == 0",
            "{{ $labels.host }} does nothing: senders use the other host, and what is in its queue waits.",
            "Its console, its network, the link between the hosts. Its own alerts are held back meanwhile.",
            lingers=SPREAD,
        ),
    ]


def _drift(told: Thresholds) -> list[Alert]:
    """They wait for a second comparison: the first may have come in the midst of a converge."""
    periods = told.drift_seconds // told.monitors.scrape_seconds + 2
    compared = "max by (host) (twinmx_drift_checked_seconds)"
    old = f"time() - {compared} > {MISSED_COMPARISONS * told.drift_seconds}"
    never = f'(max by (host) (up{{job="node"}}) == 1) unless {compared}'
    return [
        Alert(
            "Drift",
            "ticket",
            "max by (host, kind) (twinmx_drift) > 0",
            "Users notice nothing yet, but somebody changed {{ $labels.host }} by hand ({{ $labels.kind }}).",
            "`twinmx drift` says what, as does `journalctl -u drift` there; a converge puts it right.",
            periods,
        ),
        Alert(
            "DriftUnknown",
            "ticket",
            f"(max by (host) (twinmx_drift_errors) > 0) or ({old}) or ({never})",
            "Users notice nothing, but nobody would see a change by hand on {{ $labels.host }}.",
            "`systemctl status drift.timer drift.service` and `journalctl -u drift` there.",
            periods,
        ),
    ]
