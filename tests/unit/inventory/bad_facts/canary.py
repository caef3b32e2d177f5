"""Mistakes about the canary: times that do not fit together."""

from tests.unit.inventory.bad_facts.row import Bad

ROWS = {
    "canary lost before it is handed over": Bad(
        "forwarder:\n",
        "canary:\n  handover_seconds: 120\nforwarder:\n",
        "handover_seconds",
        "canary.handover_seconds: 120: a message may not be lost while it is handed over; allowed: a number "
        "below canary.lost_after_seconds (120 seconds)",
    ),
    "a cloud of canaries": Bad(
        "forwarder:\n",
        "canary:\n  interval_seconds: 1\nforwarder:\n",
        "interval_seconds",
        "canary.interval_seconds: 1: more than 30 messages could be under way; allowed: 4 seconds or more",
    ),
    "a name too long for an alias": Bad(
        "  mx2:",
        f"  m{'x' * 57}:",
        "xxxx",
        f"'m{'x' * 57}': the canary's alias would be too long; allowed: 57 characters at most",
    ),
    "no canary": Bad(
        "forwarder:\n",
        "canary:\n  interval_seconds: 0\nforwarder:\n",
        "interval_seconds",
        "canary.interval_seconds: 0; allowed: a whole number from 1 to 300 (Time between two messages",
    ),
}
