"""Mistakes in numbers: workers and sizes, rate limits, and what the gate says."""

from tests.unit.inventory.bad_facts.row import Bad

WORKERS = "allowed: a whole number from 1 to 64 (Worker processes on each host)"

ROWS = {
    "no workers": Bad("workers: 3", "workers: 0", "workers", f"forwarder.workers: 0; {WORKERS}"),
    "too many workers": Bad("workers: 3", "workers: 65", "workers", f"forwarder.workers: 65; {WORKERS}"),
    "workers in words": Bad(
        "workers: 3", "workers: many", "workers", f"forwarder.workers: 'many'; {WORKERS}"
    ),
    "workers: yes": Bad(
        "workers: 3",
        "workers: yes",
        "workers",
        f"forwarder.workers: True: yes, no, on and off are no numbers; {WORKERS}",
    ),
    "half a worker": Bad("workers: 3", "workers: 2.5", "workers", f"forwarder.workers: 2.5; {WORKERS}"),
    "message size": Bad(
        "36700160",
        "1000",
        "1000",
        "messages.max_bytes: 1000; allowed: a whole number from 65536 to 209715200 (Largest message accepted",
    ),
    "TTL": Bad("ttl: 300", "ttl: 5", "ttl", "dns.ttl: 5; allowed: a whole number from 30 to 86400 (TTL of"),
    "limit without a window": Bad(
        ", window_seconds: 60",
        "",
        "count: 10",
        "rate_limits.alias.window_seconds: missing; allowed: a whole number from 1 to 86400 (Length of the",
    ),
    "window of nothing": Bad(
        "window_seconds: 60",
        "window_seconds: 0",
        "window",
        "rate_limits.alias.window_seconds: 0; allowed: a whole number from 1 to 86400",
    ),
    "limit as a number": Bad(
        "{count: 10, window_seconds: 60}",
        "10",
        "alias: 10",
        "rate_limits.alias: 10; allowed: a mapping with the keys count, window_seconds",
    ),
    "answer that accepts": Bad("550", "250", "250", "rate_limits.answer: 250; allowed: 550, 450 or 421"),
    "limits shared on no exchanger": Bad(
        "  answer: 550",
        "  shared_on: mx3\n  answer: 550",
        "shared_on",
        "rate_limits.shared_on: 'mx3': is no exchanger; allowed: mx1 or mx2, or nothing (The exchanger whose",
    ),
    "limits shared on a full name": Bad(
        "  answer: 550",
        "  shared_on: mx1.alias.example\n  answer: 550",
        "shared_on",
        "rate_limits.shared_on: 'mx1.alias.example'; allowed: a short host name",
    ),
    "no patience with Valkey": Bad(
        "  answer: 550",
        "  wait_seconds: 0\n  answer: 550",
        "wait_seconds: 0",
        "rate_limits.wait_seconds: 0; allowed: a number above 0, at most 5",
    ),
    "text of another class": Bad(
        "5.2.1 Too",
        "4.2.1 Too",
        "4.2.1",
        "rate_limits.text: '4.2.1 Too many messages'; allowed: an enhanced status",
    ),
    "line end in a text": Bad(
        "5.2.1 Too many messages",
        r'"5.2.1 a\r\n250 b"',
        "5.2.1",
        r"rate_limits.text: '5.2.1 a\r\n250 b'; allowed: an enhanced status",
    ),
    "no worker of the gate": Bad(
        "rate_limits:",
        "gate: {workers: 0}\nrate_limits:",
        "gate",
        "gate.workers: 0; allowed: a whole number from 1 to 32 (Worker processes on each host)",
    ),
    "no time for the gate": Bad(
        "rate_limits:",
        "gate: {answer_seconds: 2}\nrate_limits:",
        "gate",
        "gate.answer_seconds: 2; allowed: a whole number from 6 to 60",
    ),
    "a disabled alias told to come again": Bad(
        "rate_limits:",
        "gate: {disabled_text: 4.2.1 later}\nrate_limits:",
        "gate",
        "gate.disabled_text: '4.2.1 later'; allowed: an enhanced status code of class 5",
    ),
    "a disabled mailbox without a status code": Bad(
        "rate_limits:",
        "gate: {mailbox_disabled_text: closed}\nrate_limits:",
        "gate",
        "gate.mailbox_disabled_text: 'closed'; allowed: an enhanced status code of class 5",
    ),
}
