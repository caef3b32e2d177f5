"""Mistakes in an exchange's facts: edits of the good ones, and what must be said about each."""

from tests.unit.inventory.bad_facts import (
    canary,
    database,
    delivery,
    dns,
    drift,
    drills,
    failover,
    form,
    hosts,
    limits,
    monitors,
    spam,
)

TABLE = (
    canary.ROWS
    | delivery.ROWS
    | dns.ROWS
    | drift.ROWS
    | drills.ROWS
    | failover.ROWS
    | form.ROWS
    | hosts.ROWS
    | limits.ROWS
    | spam.ROWS
    | database.ROWS
    | monitors.ROWS
)
