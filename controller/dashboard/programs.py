"""What our own programs do: gate, spam chain, forwarder, limits, alias snapshot."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from controller.dashboard.panels import Section, Shown, curves, states
from controller.dashboard.queries import gauge, highest, p95, rate, total


def gates() -> Section:
    """What is taken and refused within the sender's session."""
    account = total("host, account", rate("twinmx_gate_limited_total"))
    return Section(
        "Gate",
        [
            _by_label("Recipients", "Answers to RCPT, a second.", "twinmx_gate_recipients_total", "outcome"),
            _by_label(
                "Messages", "Answers to end of DATA, a second.", "twinmx_gate_messages_total", "outcome"
            ),
            curves(
                "Refused over a limit, by account",
                "The five that are flooded most, a second.",
                "ops",
                Shown("{{host}} {{account}}", f"topk(5, {account} > 0)"),
                stacked=True,
            ),
            curves(
                "Time to an answer",
                "95 % of the messages, from their end to the answer.",
                "s",
                Shown("{{host}}", p95("twinmx_gate_seconds", "host")),
                width=12,
            ),
            curves(
                "Sessions open",
                "From Postfix to the gates.",
                "short",
                Shown("{{host}}", total("host", gauge("twinmx_gate_connections"))),
                width=12,
            ),
        ],
    )


def engines() -> Section:
    """The spam chain, in the gates and in the forwarders."""
    return Section(
        "Spam engines",
        [
            curves(
                "Time of a scan",
                "95 % of the questions to an engine, to the answer or the end of the wait.",
                "s",
                Shown("{{host}} {{engine}}", p95("twinmx_spam_scan_seconds", "host, engine")),
            ),
            curves(
                "Scans",
                "A second, by what became of them; late: past the deadline.",
                "ops",
                Shown(
                    "{{host}} {{engine}} {{outcome}}",
                    total("host, engine, outcome", rate("twinmx_spam_scans_total")),
                ),
                stacked=True,
            ),
            states(
                "Breakers",
                "An engine that fails again and again is left alone, then tried.",
                {0: ("asked", "green"), 1: ("left alone", "red"), 2: ("being tried", "yellow")},
                Shown("{{host}} {{engine}}", highest("host, engine", gauge("twinmx_spam_breaker_state"))),
            ),
            _by_label(
                "Unscanned", "Messages without a score, a second.", "twinmx_spam_unscanned_total", "reason"
            ),
            curves(
                "Hedges",
                "Second questions, a second, and those that gave the verdict.",
                "ops",
                Shown("{{host}} {{engine}} asked", total("host, engine", rate("twinmx_spam_hedges_total"))),
                Shown(
                    "{{host}} {{engine}} won",
                    total("host, engine", rate("twinmx_spam_hedges_won_total")),
                ),
            ),
            states(
                "Rspamd",
                "Whether its controller answers.",
                {0: ("silent", "red"), 1: ("answers", "green")},
                Shown("{{host}}", highest("host", gauge("twinmx_rspamd_up"))),
            ),
        ],
    )


def forwarder() -> Section:
    """From the alias to the mailboxes."""
    return Section(
        "Forwarder",
        [
            _by_label("Messages", "Answers, a second.", "twinmx_forwarder_messages_total", "outcome"),
            curves(
                "Time to an answer",
                "95 % of the messages, from their last byte.",
                "s",
                Shown("{{host}}", p95("twinmx_forwarder_seconds", "host")),
            ),
            curves(
                "Messages in hand",
                "And sessions open.",
                "short",
                Shown("{{host}} messages", total("host", gauge("twinmx_forwarder_in_flight"))),
                Shown("{{host}} sessions", total("host", gauge("twinmx_forwarder_connections"))),
            ),
        ],
    )


def limits() -> Section:
    """What is counted, and where."""
    return Section(
        "Limits",
        [
            curves(
                "Decisions",
                "A second, by outcome and by who counted.",
                "ops",
                Shown(
                    "{{host}} {{outcome}} by {{by}}",
                    total("host, outcome, by", rate("twinmx_limits_decisions_total")) + " > 0",
                ),
                stacked=True,
            ),
            curves(
                "Time of a decision",
                "95 % of them.",
                "s",
                Shown("{{host}}", p95("twinmx_limits_seconds", "host")),
            ),
            curves(
                "Without Valkey",
                "Workers that count each for itself, and questions to Valkey that failed, a second.",
                "short",
                Shown("{{host}} workers", total("host", gauge("twinmx_limits_local"))),
                Shown("{{host}} {{cause}}", total("host, cause", rate("twinmx_limits_failures_total"))),
            ),
        ],
    )


def snapshot() -> Section:
    """The aliases that Postfix and the forwarder look up."""
    return Section(
        "Alias snapshot",
        [
            curves(
                "Age of the snapshot",
                "Since it was built; where nothing changes it grows old in good health.",
                "s",
                Shown("{{host}}", highest("host", gauge("twinmx_aliases_snapshot_age_seconds"))),
            ),
            curves(
                "Age of what the database says",
                "Since it was last read. What the alert SnapshotStale goes by.",
                "s",
                Shown("{{host}}", highest("host", gauge("twinmx_aliases_source_age_seconds"))),
            ),
            curves(
                "Aliases",
                "In the snapshot.",
                "short",
                Shown("{{host}}", highest("host", gauge("twinmx_aliases_snapshot_aliases"))),
            ),
        ],
    )


def _by_label(title: str, says: str, counter: str, label: str) -> Builder[Panel]:
    shown = Shown(f"{{{{host}}}} {{{{{label}}}}}", total(f"host, {label}", rate(counter)))
    return curves(title, says, "ops", shown, stacked=True)
