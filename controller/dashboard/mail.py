"""Where mail waits, for how long, and what becomes of it."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from controller.dashboard.panels import Section, Shown, curves
from controller.dashboard.queries import gauge, highest, p95, quantile, rate, through, total


def queues() -> Section:
    """Both Postfix instances: by queue, age and reason."""
    return Section(
        "Queues",
        [
            *(_by_queue(title, instance) for title, instance in (("Inbound", "in"), ("Outbound", "out"))),
            curves(
                "Oldest message",
                "Without the hold queue.",
                "s",
                Shown(
                    "{{host}} {{instance}}",
                    highest("host, instance", gauge("twinmx_queue_oldest_seconds", 'queue!="hold"')),
                ),
            ),
            *(_by_age(title, instance) for title, instance in (("Inbound", "in"), ("Outbound", "out"))),
            curves(
                "Deferred, by reason",
                "Why the last attempt of each deferred message failed.",
                "short",
                Shown(
                    "{{host}} {{instance}} {{reason}}",
                    total("host, instance, reason", gauge("twinmx_queue_deferred_messages")) + " > 0",
                ),
                stacked=True,
            ),
        ],
    )


def delays() -> Section:
    """How long mail takes: the canary's, and everybody's by Postfix's log."""
    return Section(
        "Delays",
        [
            curves(
                "Canary",
                "95 % of the canary's messages through a host arrive within.",
                "s",
                Shown("through {{via}}", quantile("via", through("twinmx_canary_delay_seconds_bucket"))),
                Shown("under way, {{via}}", highest("via", through("twinmx_canary_waiting_seconds"))),
            ),
            curves(
                "Canary: not arrived",
                "Messages lost, not taken, or with the wrong verdict.",
                "short",
                *(
                    Shown(f"{what}, {{{{via}}}}", _canaries(f"twinmx_canary_{figure}_total"))
                    for what, figure in (
                        ("lost", "lost"),
                        ("not taken", "refused"),
                        ("wrong verdict", "verdict_wrong"),
                    )
                ),
                bars=True,
            ),
            curves(
                "Delivery",
                "95 % of the messages leave an instance within (delay= in its log).",
                "s",
                Shown("{{host}} {{instance}}", p95("twinmx_delivery_seconds", "host, instance")),
            ),
            *(
                curves(
                    f"Stages, {title}",
                    "Postfix's delays=a/b/c/d: before the queue, in it, connection, transmission; 95 %.",
                    "s",
                    Shown(
                        "{{host}} {{transport}} {{stage}}",
                        p95(
                            "twinmx_delivery_stage_seconds",
                            "host, transport, stage",
                            f'instance="{instance}"',
                        ),
                    ),
                    width=12,
                )
                for title, instance in (("inbound", "in"), ("outbound", "out"))
            ),
        ],
    )


def deliveries() -> Section:
    """What became of attempts to deliver."""
    return Section(
        "Deliveries",
        [
            curves(
                f"Attempts, {title}",
                "To one recipient each, a second.",
                "ops",
                Shown(
                    "{{host}} {{transport}} {{status}}",
                    total(
                        "host, transport, status", rate("twinmx_deliveries_total", f'instance="{instance}"')
                    ),
                ),
                width=12,
                stacked=True,
            )
            for title, instance in (("inbound", "in"), ("outbound", "out"))
        ],
    )


def _canaries(counter: str) -> str:
    return total("via", f"increase({through(counter)}[$__rate_interval])")


def _by_queue(title: str, instance: str) -> Builder[Panel]:
    return curves(
        f"{title}, by queue",
        "Messages.",
        "short",
        Shown(
            "{{host}} {{queue}}",
            total("host, queue", gauge("twinmx_queue_messages", f'instance="{instance}"')),
        ),
        stacked=True,
    )


def _by_age(title: str, instance: str) -> Builder[Panel]:
    return curves(
        f"{title}, by age",
        "Messages that are older than so many seconds.",
        "short",
        Shown(
            "{{host}} over {{seconds}} s",
            total(
                "host, seconds", gauge("twinmx_queue_messages_older", f'instance="{instance}",queue!="hold"')
            )
            + " > 0",
        ),
    )
