"""What is watched, from which figure on it is bad, and who is told.

The failover agent takes the thresholds it shares with the alerts from here (docs/adr/0016).
"""

from typing import Self

from pydantic import PositiveInt, model_validator

from inventory.knob import Mistake, Network, Settings, ShortName, knob, refuse
from inventory.receivers import Receiver, Route, Times, unfit_relays, unknown_names


class Monitors(Settings):
    """How the hosts are watched, thresholds of the alerts, and who is told.

    A period, and a check, is one evaluation of the rules: `scrape_seconds`.
    """

    clients: tuple[Network, ...] = knob(
        (), says="Networks that may read metrics, Prometheus, Alertmanager and the status page."
    )
    scrape_seconds: int = knob(
        15,
        ge=1,
        le=60,
        says="How often Prometheus reads every program of every exchanger, and judges the alerts.",
        unit="seconds",
    )
    queue_seconds: int = knob(
        10, ge=1, le=300, says="How often Postfix's queues are read for their metrics.", unit="seconds"
    )
    window_seconds: int = knob(
        300,
        ge=10,
        le=3600,
        says="Shares, rates and percentiles are over this time; at least four times scrape_seconds.",
        unit="seconds",
    )
    retention_days: int = knob(15, ge=1, le=365, says="How long Prometheus keeps what it read.", unit="days")
    retention_megabytes: int = knob(
        2_048,
        ge=256,
        le=1_048_576,
        says="What it keeps at most; the oldest goes first. The queues are on the same disk.",
        unit="megabytes",
    )
    pending_messages: PositiveInt = knob(
        50,
        says="Messages in the inbound queue for over a minute above which a check is bad.",
        unit="messages",
    )
    pending_checks: PositiveInt = knob(10, says="Bad checks in a row until the alert.", unit="checks")
    canary_p95_seconds: PositiveInt = knob(
        120, says="Canary delay above which a period is bad.", unit="seconds"
    )
    canary_periods: PositiveInt = knob(3, says="Bad periods in a row until the alert.", unit="periods")
    canary_lost_messages: PositiveInt = knob(
        2,
        says="Canary messages lost, or not taken, within the window from which on a period is bad.",
        unit="messages",
    )
    bad_periods: PositiveInt = knob(
        3, says="Bad periods in a row until an alert that has no number of its own.", unit="periods"
    )
    clear_periods: PositiveInt = knob(3, says="Good periods in a row until an alert clears.", unit="periods")
    snapshot_stale_seconds: PositiveInt = knob(
        300,
        says="Age of the last successful reading of the alias database above which a period is bad.",
        unit="seconds",
    )
    delivery_p95_seconds: PositiveInt = knob(
        60,
        says="Time that 5 % of the messages wait for our own programs and queues (Postfix's log) above which "
        "a period is bad; waiting for a mailbox provider does not count.",
        unit="seconds",
    )
    oldest_seconds: PositiveInt = knob(
        1_800,
        says="Age of the oldest message in the inbound queue above which a period is bad.",
        unit="seconds",
    )
    deferral_share: float = knob(
        0.3, gt=0, le=1, says="Share of outbound deliveries that are put off above which a period is bad."
    )
    deferral_messages: PositiveInt = knob(
        20, says="Deliveries within the window below which their share says nothing.", unit="messages"
    )
    engine_share: float = knob(
        0.5, gt=0, le=1, says="Share of an engine's scans that are late or fail above which a period is bad."
    )
    engine_scans: PositiveInt = knob(
        10, says="Scans within the window below which their share says nothing.", unit="scans"
    )
    unscanned_share: float = knob(
        0.1, gt=0, le=1, says="Share of messages that pass without a score above which a period is bad."
    )
    flood_messages: PositiveInt = knob(
        100,
        says="Messages to one account refused over its limit within the window above which a period is bad.",
        unit="messages",
    )
    disk_free_megabytes: PositiveInt = knob(
        1_000, says="Free space of a queue's disk below which a period is bad.", unit="megabytes"
    )
    free_percent: int = knob(
        10,
        ge=1,
        le=90,
        says="Free share of a disk, or of its inodes, below which a period is bad.",
        unit="percent",
    )
    free_inodes: PositiveInt = knob(
        20_000, says="Free inodes of a queue's disk below which a period is bad.", unit="inodes"
    )
    certificate_days: int = knob(
        14, ge=1, le=365, says="Days before a certificate ends from which on a period is bad.", unit="days"
    )
    clock_seconds: float = knob(
        2,
        gt=0,
        le=3600,
        says="Difference of a host's clock to the other's, or to its time server's, above which a period is "
        "bad.",
        unit="seconds",
    )
    resolver_seconds: float = knob(
        2,
        gt=0,
        le=30,
        says="Time of an answer of a host's resolver above which a period is bad.",
        unit="seconds",
    )
    upgrades_days: int = knob(
        3,
        ge=2,
        le=90,
        says="Days for which security updates wait (put off, failed, not looked for) from which on a period "
        "is bad.",
        unit="days",
    )
    failover_stuck_seconds: PositiveInt = knob(
        900, says="Time that a failover may take to get to its next state.", unit="seconds"
    )
    receivers: dict[ShortName, Receiver] = knob(
        {}, says="Who is told of alerts, by a name of your choice; none, and alerts are only shown."
    )
    routes: dict[ShortName, Route] = knob({}, says="Which alerts go to which receivers.")
    times: dict[ShortName, Times] = knob({}, says="On-call times, for routes.")
    group_seconds: int = knob(
        10,
        ge=1,
        le=600,
        says="How long the first alert of a kind waits for others to go with it.",
        unit="seconds",
    )
    regroup_seconds: int = knob(
        60,
        ge=1,
        le=3600,
        says="Least time between two notifications of one kind. In its first half each Alertmanager has "
        "its turn, should those before it be gone: at most 15 seconds each.",
        unit="seconds",
    )
    repeat_hours: int = knob(
        4, ge=1, le=168, says="After this, who was told of what still fires is told again.", unit="hours"
    )
    heartbeat: ShortName | None = knob(
        None,
        says="A receiver that is told every heartbeat_seconds that the monitors live, and raises the alarm "
        "itself when it is not (dead man's switch).",
    )
    heartbeat_seconds: int = knob(60, ge=10, le=3600, says="How often it is told.", unit="seconds")

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        refuse(list(unknown_names(self.receivers, self.routes, self.times, self.heartbeat)))
        refuse(list(unfit_relays(self.receivers)))
        return self

    @model_validator(mode="after")
    def _window_holds_samples(self) -> Self:
        least = 4 * self.scrape_seconds
        if self.window_seconds < least:
            reason = f"fewer than 4 times scrape_seconds; allowed: {least} or more"
            refuse([Mistake(("window_seconds",), self.window_seconds, reason)])
        return self
