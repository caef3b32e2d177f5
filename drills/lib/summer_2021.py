"""How the service handled mail in June and July 2021: what both of these drills are compared with."""

from typing import Any

FORWARDER: dict[str, Any] = {
    "workers": 6,
    "queue_slots": "shared",
    "hand_over": False,
    "alone_seconds": 0.3,
}

INVENTORY: dict[str, Any] = {
    "gate": {"consulted": False},
    "forwarder": FORWARDER,
    "failover": {"mode": "manual"},
}

SAYS = (
    "six workers with one message at a time and 0.3 s for each, one queue destination for all with "
    "Postfix's defaults, no gate, no help of the other host, no failover agent"
)
