"""Do the programs of a host run, and do they have what they need."""

from roles.lib.alerts.rule import Alert, Thresholds

OTHERS = ("aliases", "blackbox", "canary", "failover", "node", "queues", "rspamd", "valkey")
"""The jobs whose absence nobody feels at once."""

UNREAD_SECONDS = 900
"""A queue of a million messages is read every five minutes (twinmx.queues); this is thrice as long."""


def alerts(told: Thresholds) -> list[Alert]:
    """What does not run, or runs without what it needs."""
    local = "(max by (host) (twinmx_limits_local) == 1) or (max by (host) (redis_up) == 0)"
    return [
        *_workers(
            "Forwarders",
            "forwarder",
            "Mail is handed to the other host's forwarder; should that fail too, it waits in the queue.",
        ),
        *_workers(
            "Gates",
            "gate",
            "Nothing is refused in the session: floods reach the queue, and spam is found only after it.",
        ),
        Alert(
            "SmtpSilent",
            "page",
            'max by (host) (probe_success{job="smtp"}) == 0',
            "Senders cannot reach {{ $labels.host }} with TLS and have to try another host.",
            "Port 25 gives no greeting or no STARTTLS: `systemctl status postfix`, disk, certificate.",
        ),
        Alert(
            "ProgramMissing",
            "ticket",
            f'max by (host, job) (up{{job=~"{"|".join(OTHERS)}"}}) == 0',
            "Users notice nothing yet, but {{ $labels.host }} lacks its {{ $labels.job }}.",
            "The unit of {{ $labels.job }} on that host: `systemctl status`, `journalctl -u`.",
        ),
        Alert(
            "QueueUnread",
            "ticket",
            f"max by (host) (twinmx_queue_read_age_seconds) > {UNREAD_SECONDS}",
            "Users notice nothing, but nobody would see mail pile up at {{ $labels.host }}.",
            "`journalctl -u queues` there says why Postfix's queue cannot be read.",
        ),
        Alert(
            "SnapshotStale",
            "ticket",
            f"max by (host) (twinmx_aliases_source_age_seconds) > {told.monitors.snapshot_stale_seconds}",
            "Aliases that were made or changed lately do not work at {{ $labels.host }} yet.",
            "`journalctl -u twinmx-aliases` says why the database cannot be read; mail goes on meanwhile.",
        ),
        Alert(
            "ValkeyMissing",
            "ticket",
            local,
            "Each worker of {{ $labels.host }} counts for itself, so more mail passes than the limits say.",
            "`systemctl status valkey-server` on that host, or on the one in rate_limits.shared_on.",
        ),
    ]


def _workers(name: str, job: str, feels: str) -> list[Alert]:
    up = f'up{{job="{job}"}}'
    return [
        Alert(
            f"{name}Gone",
            "page",
            f"max by (host) ({up}) == 0",
            f"No {job} runs on {{{{ $labels.host }}}}. {feels}",
            f"`systemctl status '{job}@*'` and `journalctl -u '{job}@*'` on that host.",
        ),
        Alert(
            f"{name}Missing",
            "ticket",
            f"(min by (host) ({up}) == 0) and (max by (host) ({up}) == 1)",
            f"Users notice nothing: a worker of the {job} on {{{{ $labels.host }}}} is away, others serve.",
            f"`systemctl status '{job}@*'` shows which; its journal why.",
        ),
    ]
