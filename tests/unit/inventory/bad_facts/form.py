"""Mistakes in the form: keys that are unknown or given twice, and what is no YAML."""

from tests.unit.inventory.bad_facts.row import ENGINES, HOST, Bad

ROWS = {
    "unknown key": Bad(
        "forwarder:", "forwader:", "forwader", "forwader: no such key. Did you mean forwarder?"
    ),
    "unknown key in a group": Bad(
        "workers: 3", "worker: 3", "worker: 3", "forwarder.worker: no such key. Did you mean workers?"
    ),
    "unknown key of a host": Bad(
        HOST,
        f"    mx_prio: 5\n{HOST}",
        "mx_prio: 5",
        "exchangers.mx2.mx_prio: no such key. Did you mean mx_priority?",
    ),
    "unknown key of a limit": Bad(
        "{count: 10,",
        "{per: 3, count: 10,",
        "per: 3",
        "rate_limits.alias.per: no such key. Allowed here: count, window_seconds",
    ),
    "unknown key of an engine": Bad(
        "budget_seconds: 4",
        "budget: 4",
        "budget: 4",
        "spam.rspamd.budget: no such key. Did you mean budget_seconds?",
    ),
    "key of another group": Bad(
        "spam:",
        "reject_score: 9\nspam:",
        "reject",
        "reject_score: no such key. Did you mean spam.reject_score?",
    ),
    "number as key": Bad("spam:", "7: 3\nspam:", "7: 3", "7: no such key. Allowed here: domains, exchangers"),
    "key given twice": Bad(
        "workers: 3",
        "workers: 3\n  workers: 4",
        "workers: 4",
        "forwarder.workers: given twice, first on line 14",
    ),
    "host given twice": Bad("  mx2:", "  mx1:", "  mx1:", "exchangers.mx1: given twice, first on line 3"),
    "bracket left open": Bad(ENGINES, "[rspamd", "total", "not YAML: "),
    "tab": Bad("  workers: 3", "\tworkers: 3", "workers", "not YAML: found character '\\t'"),
    "python tag": Bad("workers: 3", "workers: !!python/none x", "workers", "not YAML: could not determine"),
    "two documents": Bad("spam:", "---\nspam:", "---", "not YAML: "),
    "list as key": Bad("workers: 3", "[a]: 3", "[a]", "not YAML: found unhashable key"),
}
