"""How the service scanned for spam in August 2020: what both of that day's drills are compared with.

SpamAssassin stood alone in the way of the mail, and who asked it waited for minutes (ADR 0027).
"""

from typing import Any

INVENTORY: dict[str, Any] = {
    "spam": {
        "engines": ["spamassassin"],
        "total_seconds": 510,
        "spamassassin": {"budget_seconds": 500},
    },
    "deadlines": {"milter_seconds": 520, "forwarder_seconds": 540, "data_done_seconds": 600},
    "gate": {"consulted": False},
    "forwarder": {"queue_slots": "shared", "hand_over": False},
    "failover": {"mode": "manual"},
}

SAYS = (
    "SpamAssassin alone, after the queue and with nine minutes' patience, one queue destination for "
    "all with Postfix's defaults, no help of the other host, no failover agent"
)
