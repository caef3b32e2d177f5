"""What one looks at first: alerts, who is in service, whether mail arrives; and what the agents do."""

from controller.dashboard.panels import Section, Shown, curves, rows, states
from controller.dashboard.queries import gauge, highest, rate, through, total

PHASES = {
    0: ("active", "green"),
    1: ("draining", "orange"),
    2: ("drained", "red"),
    3: ("returning", "yellow"),
}
NO_LABELS_OF_INTEREST = ("Time", "Value", "__name__", "alertstate", "instance")

ACTS = total("host, act", f"increase({gauge('twinmx_failover_acts_total')}[1m])") + " > 0"
"""Drawn across every panel: what an agent did, where it did it."""


def phase() -> str:
    """The state of each agent as a number: `PHASES`."""

    def one(state: str) -> str:
        return highest("host", gauge("twinmx_failover_state", f'state="{state}"'))

    return f"{one('draining')} + 2 * {one('drained')} + 3 * {one('returning')}"


def overview() -> Section:
    """Enough for a glance."""
    return Section(
        "Overview",
        [
            rows(
                "Alerts",
                "What fires now; docs/runbooks.md says what to do.",
                Shown("", 'ALERTS{alertstate="firing",severity!="heartbeat"}'),
                NO_LABELS_OF_INTEREST,
            ),
            states(
                "In service",
                "The state of each host's failover agent.",
                PHASES,
                Shown("{{host}}", phase()),
            ),
            curves(
                "Canary",
                "Seconds from port 25 of a host to the arrival of the last message sent through it.",
                "s",
                Shown("through {{via}}", highest("via", through("twinmx_canary_last_delay_seconds"))),
            ),
            curves(
                "Mail accepted",
                "Messages a second that the gates let pass.",
                "mps",
                Shown(
                    "{{host}}",
                    total("host", rate("twinmx_gate_messages_total", 'outcome!~"spam|canary"')),
                ),
            ),
            curves(
                "Inbound mail waiting for over a minute",
                "What the alert PendingMail goes by.",
                "short",
                Shown(
                    "{{host}}",
                    total(
                        "host",
                        gauge("twinmx_queue_messages_older", 'instance="in",queue!="hold",seconds="60"'),
                    ),
                ),
            ),
            curves(
                "Programs that do not answer",
                "Targets which Prometheus cannot read.",
                "short",
                Shown("{{host}} {{job}}", total("host, job", gauge("up") + " == bool 0") + " > 0"),
                bars=True,
            ),
        ],
    )


def failover() -> Section:
    """What the agents see and do. Their acts are drawn across every other panel too."""
    return Section(
        "Failover",
        [
            states(
                "Evidence",
                "Rules that have been bad for their number of periods.",
                {0: ("good", "green"), 1: ("bad", "red")},
                Shown("{{host}} {{rule}}", highest("host, rule", gauge("twinmx_failover_evidence"))),
            ),
            curves(
                "Acts",
                "Within a minute.",
                "short",
                Shown("{{host}} {{act}}", ACTS),
                bars=True,
            ),
            states(
                "Peers, holds",
                "Whether the peer answers at all, and whether an operator holds the agent.",
                {0: ("no", "orange"), 1: ("yes", "blue")},
                Shown(
                    "{{host}} hears {{peer}}",
                    highest("host, peer", gauge("twinmx_failover_peer_reachable")),
                ),
                Shown("{{host}} is held", highest("host", gauge("twinmx_failover_held"))),
            ),
            curves(
                "MX preferences",
                "As the name server has them; the lowest takes the mail.",
                "short",
                Shown("{{domain}} {{host}}", highest("domain, host", gauge("twinmx_failover_mx_preference"))),
            ),
            curves(
                "Recommended and not done",
                "Acts that a hold, or manual mode, forbids.",
                "short",
                Shown("{{host}}", highest("host", gauge("twinmx_failover_recommendations"))),
            ),
            states(
                "Decided and not possible",
                "What an agent cannot do: change DNS, keep its state on disk, close port 25.",
                {0: ("can", "green"), 1: ("cannot", "red")},
                Shown("{{host}} {{what}}", highest("host, what", gauge("twinmx_failover_fault"))),
            ),
        ],
    )
