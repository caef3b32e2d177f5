"""Mistakes in an exchange's facts: a table of edits, and of what must be said about each."""

from typing import NamedTuple


class Bad(NamedTuple):
    """An edit of the good facts, a passage of the line that the error names, and what it says of it."""

    good: str
    bad: str
    at: str
    says: str


ENGINES = "[rspamd, spamassassin]"
HOST = "    fqdn: mx2.alias.example"
DOMAINS = "domains: [alias.example, masked.example]"
NET = "ssh_from: [198.51.100.0/24]"
NAME_RULE = "allowed: a full domain name, as in mx1.alias.example"
HOST_RULE = "allowed: the IPv4 address of one host, as in 203.0.113.11"
NET_RULE = "allowed: a network with its prefix length, as in 203.0.113.0/24 or 2001:db8::/32"
WORKERS = "allowed: a whole number from 1 to 64 (Worker processes on each host)"
NEST = "each deadline lies inside the one around it; allowed: a number"
OWN = "allowed: one of its own for each"

TABLE = {
    # keys
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
    # exchangers
    "two hosts of one name": Bad(
        "mx2.alias",
        "mx1.alias",
        "mx1.alias",
        f"exchangers.mx2.fqdn: 'mx1.alias.example': mx1 has the same; {OWN}",
    ),
    "two names that differ in case": Bad(
        "mx2.alias", "MX1.alias", "MX1.alias", "exchangers.mx2.fqdn: 'mx1.alias.example': mx1 has the same"
    ),
    "two hosts at one address": Bad(
        ".100.12", ".100.11", ".100.11", f"exchangers.mx2.address: '198.51.100.11': mx1 has the same; {OWN}"
    ),
    "two hosts of one priority": Bad(
        "priority: 20",
        "priority: 10",
        "priority: 10",
        f"exchangers.mx2.mx_priority: 10: mx1 has the same; {OWN}",
    ),
    "peer address of another host": Bad(
        HOST,
        f"    peer_address: 198.51.100.11\n{HOST}",
        "peer_address",
        "mx2.peer_address: '198.51.100.11': is the address of mx1; allowed: an address of mx2 itself",
    ),
    "no exchanger": Bad(
        "domains: [alias.example, masked.example]\nexchangers:",
        "domains: [alias.example]\nexchangers: {}\nhosts:",
        "exchangers: {}",
        "exchangers: {}; allowed: one or more names, each with a mapping with the keys fqdn, address",
    ),
    "short name": Bad(
        "  mx2:",
        "  MX-2:",
        "MX-2",
        "exchangers.MX-2: 'MX-2'; allowed: a short host name: a letter, then letters",
    ),
    "priority too high": Bad(
        "mx_priority: 20",
        "mx_priority: 65536",
        "65536",
        "exchangers.mx2.mx_priority: 65536; allowed: a whole number from 0 to 65535",
    ),
    # addresses and names
    "no address": Bad(
        "198.51.100.12",
        "198.51.100.312",
        ".312",
        f"mx2.address: '198.51.100.312': not an address; {HOST_RULE}",
    ),
    "number as address": Bad(
        "198.51.100.12", "12", "address: 12", f"exchangers.mx2.address: 12: not an address; {HOST_RULE}"
    ),
    "yes as address": Bad("198.51.100.12", "yes", "address: yes", f"True: not an address; {HOST_RULE}"),
    "loopback as address": Bad(
        "198.51.100.12",
        "127.0.0.1",
        "127.0.0.1",
        f"'127.0.0.1': loopback, unspecified and multicast addresses are no host's own; {HOST_RULE}",
    ),
    "name without a domain": Bad(
        HOST, "    fqdn: mx2", "fqdn: mx2", "exchangers.mx2.fqdn: 'mx2': the domain is"
    ),
    "name with a final dot": Bad(
        HOST,
        HOST + ".",
        "example.",
        f"'mx2.alias.example.': the dot at the end is not written here; {NAME_RULE}",
    ),
    "name with an underscore": Bad(
        HOST, "    fqdn: mx_2.a.example", "mx_2", "'mx_2.a.example': the domain is"
    ),
    "address as name": Bad(
        HOST,
        "    fqdn: 198.51.100.12",
        "fqdn: 198",
        f"'198.51.100.12': no top-level domain is a number; an address is no name; {NAME_RULE}",
    ),
    "label too long": Bad("mx2.alias", "m" * 64 + ".alias", "mmm", f"; {NAME_RULE}"),
    "name that is not ASCII": Bad("mx2.alias", "mxé.alias", "mxé", "not ASCII: write it in its xn-- form"),
    # domains, access, tls
    "no domains": Bad(
        DOMAINS, "domains: []", "domains", "domains: []; allowed: a list of one or more, each: a full"
    ),
    "one domain, no list": Bad(
        DOMAINS,
        "domains: alias.example",
        "domains",
        "domains: 'alias.example'; allowed: a list of one or more",
    ),
    "domain listed twice": Bad(
        DOMAINS,
        "domains: [a.example, A.example]",
        "domains",
        "domains entry 2: 'a.example': listed twice; allowed: once",
    ),
    "SSH from nowhere": Bad(
        NET, "ssh_from: []", "ssh", "access.ssh_from: []; allowed: a list of one or more, each"
    ),
    "SSH from no network": Bad(
        NET, "ssh_from: [office]", "ssh", f"access.ssh_from entry 1: 'office': not a network; {NET_RULE}"
    ),
    "host bits in a network": Bad(
        NET,
        "ssh_from: [198.51.100.9/24]",
        "ssh",
        f"'198.51.100.9/24': has bits set behind its prefix; the network is 198.51.100.0/24; {NET_RULE}",
    ),
    "no key file": Bad(
        "  key: /etc/twinmx/tls/{fqdn}.key\n", "", "tls:", "tls.key: missing; allowed: the path of"
    ),
    "unknown placeholder": Bad(
        "{fqdn}.key",
        "{host}.key",
        "{host}",
        "tls.key: '/etc/twinmx/tls/{host}.key': a placeholder other than {fqdn}",
    ),
    "group without content": Bad(
        f"\n  {NET}", "", "access", "access: no value; allowed: a mapping with the keys"
    ),
    # numbers
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
    # limits
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
    # the gate
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
    # spam engines
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
    # the chain of deadlines
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
    # the database of the aliases
    "database without a name": Bad(
        "  fqdn: db.alias.example\n", "", "database:", "database.fqdn: missing; allowed: a full domain name"
    ),
    "database that nobody vouches for": Bad(
        "  authority: /etc/twinmx/tls/ca.pem\n",
        "",
        "database:",
        "database.authority: missing; allowed: the path of a file (PEM file on the controller with",
    ),
    "database on an exchanger": Bad(
        "address: 198.51.100.13",
        "address: 198.51.100.12",
        "address: 198.51.100.12",
        "database.address: '198.51.100.12': mx2 has the same; allowed: a host of its own",
    ),
    "user that is no name": Bad(
        "  fqdn: db.alias.example",
        "  user: exchanger; DROP\n  fqdn: db.alias.example",
        "user:",
        "database.user: 'exchanger; DROP'; allowed: a name in PostgreSQL: a letter, then letters",
    ),
    "database never looked at": Bad(
        "  fqdn: db.alias.example",
        "  poll_seconds: 0\n  fqdn: db.alias.example",
        "poll_seconds",
        "database.poll_seconds: 0; allowed: a whole number from 1 to 300 (The longest time between",
    ),
    "aliases from nowhere": Bad(
        "aliases_file:",
        "alias_source: mysql\naliases_file:",
        "alias_source",
        "alias_source: 'mysql'; allowed: file or postgresql (Where the exchangers take the aliases from",
    ),
    # YAML
    "bracket left open": Bad(ENGINES, "[rspamd", "total", "not YAML: "),
    "tab": Bad("  workers: 3", "\tworkers: 3", "workers", "not YAML: found character '\\t'"),
    "python tag": Bad("workers: 3", "workers: !!python/none x", "workers", "not YAML: could not determine"),
    "two documents": Bad("spam:", "---\nspam:", "---", "not YAML: "),
    "list as key": Bad("workers: 3", "[a]: 3", "[a]", "not YAML: found unhashable key"),
}
