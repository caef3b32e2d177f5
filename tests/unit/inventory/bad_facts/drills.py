"""Mistakes about drills, and about the knobs that only they turn."""

from tests.unit.inventory.bad_facts.row import Bad


def bad(text: str, says: str) -> Bad:
    """A section `drills` of this text."""
    return Bad("forwarder:\n", f"drills: {text}\nforwarder:\n", "drills: ", says)


ROWS = {
    "drills for the brave": bad("{allowed: all}", "drills.allowed: 'all'; allowed: none, harmless or any"),
    "drills of no time": bad(
        "{longest_seconds: 0}", "drills.longest_seconds: 0; allowed: a whole number from 1 to 86400"
    ),
    "drill that stays": bad(
        "{under_way: {name: june-2021, order: [mx1, mx2]}}",
        "drills.under_way: a drill ends with the next converge; allowed: nothing, since the flag drill=NAME",
    ),
    "slots of mailboxes": Bad(
        "  workers: 3\n",
        "  workers: 3\n  queue_slots: mailbox\n",
        "queue_slots",
        "forwarder.queue_slots: 'mailbox'; allowed: alias or shared",
    ),
    "question to nobody": Bad(
        "  workers: 3\n",
        "  workers: 3\n  asks_database: true\n",
        "asks_database",
        "forwarder.asks_database: True: there is no database to ask; allowed: false, or "
        "alias_source: postgresql",
    ),
    "minutes alone": Bad(
        "  workers: 3\n",
        "  workers: 3\n  alone_seconds: 60\n",
        "alone_seconds",
        "forwarder.alone_seconds: 60; allowed: a number from 0 to 2",
    ),
}
