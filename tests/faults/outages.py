"""Cases in which something is away or silent for a while, or is restarted."""

from lab.well import SERVICES
from roles.lib import ports
from tests.faults.drill import Case, Drill, UnavailableError
from tests.faults.hosts import MX1, MX2, host_frozen, port_refused
from tests.faults.kills import AROUND_OUT, CONNECTIONS, INBOUND, OUT, TO_FORWARDERS, TO_PROVIDERS, workers_of
from tests.systemd import frozen, stopped, systemctl, units

ENGINES = ("rspamd.service", "spamd.service")
VALKEY = "valkey-server.service"
UNREACHABLE = "the outgoing queue cannot be reached"
SCAN_SECONDS = 20
"""Longer than `spam.total_seconds` of the inventory: nobody is saved by the thaw."""

LONG_SECONDS = 45
"""Longer than the watchdog of a worker (30 s): after the thaw systemd kills what it thinks hung."""

WORST = TO_FORWARDERS + TO_PROVIDERS
RESTART_SLOTS = {
    INBOUND: TO_FORWARDERS + AROUND_OUT,  # restarts postfix@out as well (PartOf=)
    OUT: AROUND_OUT,
}


def nothing(_drill: Drill) -> None:
    """No fault: what the others are compared with."""


def out_stopped(drill: Drill) -> None:
    """Stop postfix-out of one host: its forwarder says 451, the peer's takes the mail."""
    drill.until_sent(0.2)
    with drill.moment("postfix-out stopped", AROUND_OUT), stopped(MX1, OUT):
        drill.until_sent(0.7)


def out_refused(drill: Drill) -> None:
    """Reset every connection to postfix-out of one host, open ones too."""
    workers = len(workers_of(MX1))
    drill.until_sent(0.2)
    with drill.moment("connections reset", workers * CONNECTIONS), port_refused(MX1, ports.OUT):
        drill.until_sent(0.7)


def out_refused_everywhere(drill: Drill) -> None:
    """Both hosts' postfix-out unreachable: mail waits in the inbound queue."""
    workers = len(workers_of(MX1))
    drill.until_sent(0.2)
    slots = 2 * workers * CONNECTIONS
    with (
        drill.moment("connections reset", slots),
        port_refused(MX1, ports.OUT),
        port_refused(MX2, ports.OUT),
    ):
        drill.until_sent(0.7)


def host_long(drill: Drill) -> None:
    """Freeze a host for longer than its watchdogs and its peers' patience."""
    drill.until_sent(0.2)
    with drill.moment("host frozen", WORST), host_frozen(MX1):
        drill.last(LONG_SECONDS)


def engines_frozen(drill: Drill) -> None:
    """Both engines of one host keep their sockets and answer nothing."""
    drill.until_sent(0.1)
    with frozen(MX1, *ENGINES):
        drill.until_sent(0.8)
        drill.last(SCAN_SECONDS)


def gate_frozen(drill: Drill) -> None:
    """All gate workers of one host held: Postfix goes on without them after its own timeout."""
    names = units(MX1, "gate@*.service")
    if not names:
        raise UnavailableError("there is no gate on this host yet")
    drill.until_sent(0.2)
    with frozen(MX1, *names):
        drill.until_sent(0.7)


def valkey_dead(drill: Drill) -> None:
    """Valkey stopped on both hosts."""
    drill.until_sent(0.1)
    with stopped(MX1, VALKEY), stopped(MX2, VALKEY):
        drill.until_sent(0.8)


def valkey_frozen(drill: Drill) -> None:
    """Valkey held on both hosts."""
    drill.until_sent(0.1)
    with frozen(MX1, VALKEY), frozen(MX2, VALKEY):
        drill.until_sent(0.8)


def restarts(drill: Drill) -> None:
    """Restart every service of both hosts once, in an order drawn from the seed."""
    every = [
        (host, unit)
        for host in (MX1, MX2)
        for unit in (
            *(f"{name}.service" for name in SERVICES),
            *workers_of(host),
            *units(host, "gate@*.service"),
        )
    ]
    drill.draw.shuffle(every)
    for number in drill.shares(len(every)):
        host, unit = every[number]
        with drill.moment(f"{unit} of {host.alias} restarted", RESTART_SLOTS.get(unit, 0)):
            systemctl(host, "restart", unit)


CASES = (
    Case("no fault", "what the others are compared with", nothing),
    Case("postfix-out stopped", "on one host, for half of the mail", out_stopped, trace=UNREACHABLE),
    Case("postfix-out refuses", "connections reset, on one host", out_refused, core=True, trace=UNREACHABLE),
    Case("postfix-out refuses, both hosts", "mail waits inbound", out_refused_everywhere, trace=UNREACHABLE),
    Case("host frozen, long", f"for {LONG_SECONDS} s, then its watchdogs bite", host_long),
    Case("engines frozen", "Rspamd and SpamAssassin of one host silent", engines_frozen),
    Case("gate frozen", "all gate workers of one host silent", gate_frozen),
    Case("Valkey dead", "on both hosts", valkey_dead),
    Case("Valkey frozen", "on both hosts", valkey_frozen),
    Case("restarts", "every service of both hosts, in random order", restarts),
)
