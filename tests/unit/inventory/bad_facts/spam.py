"""Mistakes about the spam engines, and deadlines that are not nested."""

from tests.unit.inventory.bad_facts.row import ENGINES, Bad

NEST = "each deadline lies inside the one around it; allowed: a number"

ROWS = {
    "unknown engine": Bad(
        ENGINES,
        "[rspamd, clamav]",
        "clamav",
        "spam.engines entry 2: 'clamav'; allowed: rspamd or spamassassin",
    ),
    "engine twice": Bad(
        ENGINES, "[rspamd, rspamd]", "engines", "spam.engines entry 2: 'rspamd': listed twice"
    ),
    "no engine": Bad(
        ENGINES, "[]", "engines", "spam.engines: []; allowed: a list of one or more, each: rspamd or"
    ),
    "quarantine for ever": Bad(
        "spam:\n",
        "spam:\n  quarantine_days: 0\n",
        "quarantine",
        "spam.quarantine_days: 0; allowed: a whole number from 1 to 365 (How long",
    ),
    "engine shown nothing": Bad(
        "    budget_seconds: 4",
        "    concurrency: 0",
        "concurrency: 0",
        "spam.rspamd.concurrency: 0; allowed: a whole number from 1 to 1000 (Shown to it at once",
    ),
    "breaker that never opens": Bad(
        "  total_seconds: 15",
        "  breaker: {failures: 0}",
        "failures: 0",
        "spam.breaker.failures: 0; allowed: a whole number from 1 to 1000 (Failures in a row",
    ),
    "breaker that stays open": Bad(
        "  total_seconds: 15",
        "  breaker: {open_seconds: 3600}",
        "open_seconds: 3600",
        "spam.breaker.open_seconds: 3600; allowed: a whole number from 1 to 600 (Longest time between",
    ),
    "budget as long as all engines": Bad(
        "budget_seconds: 4",
        "budget_seconds: 15",
        "budget",
        f"spam.rspamd.budget_seconds: 15.0: {NEST} below spam.total_seconds (15 seconds)",
    ),
    "default budget as long as all engines": Bad(
        "total_seconds: 15",
        "total_seconds: 8",
        "total",
        f"spam.total_seconds: 8.0: {NEST} above spam.spamassassin.budget_seconds (8 seconds, the default)",
    ),
    "engines as long as the milter": Bad(
        "total_seconds: 15",
        "total_seconds: 30",
        "total",
        f"spam.total_seconds: 30.0: {NEST} below deadlines.milter_seconds (30 seconds)",
    ),
    "milter as long as the forwarder": Bad(
        "milter_seconds: 30",
        "milter_seconds: 45",
        "milter",
        f"deadlines.milter_seconds: 45: {NEST} below deadlines.forwarder_seconds (45 seconds)",
    ),
    "forwarder as long as Postfix waits": Bad(
        "forwarder_seconds: 45",
        "forwarder_seconds: 60",
        "forwarder_s",
        f"deadlines.forwarder_seconds: 60: {NEST} below deadlines.data_done_seconds (60 seconds)",
    ),
    "a deadline without end": Bad(
        "total_seconds: 15",
        "total_seconds: .inf",
        "total",
        "spam.total_seconds: inf; allowed: a number above 0",
    ),
}
