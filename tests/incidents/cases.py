"""The incidents: what breaks for good, and what the hosts must make of it by themselves.

All of it happens to mx1, where all mail comes first. Units are killed and masked, so that systemd, which
would have them back within a second, is out of the game; what systemd can mend is in tests/faults.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from controller import pyinfra
from lab import ssh
from lab.converging import Pair
from lab.database import UNIT as POSTGRESQL
from lab.database import followed
from lab.engine import docker
from lab.settings import DATABASE, OUTSIDE, LabHost
from tests.faults import disks
from tests.faults.drill import Drill
from tests.faults.hosts import MX1, MX2, host_frozen, ruled, ruled_packets
from tests.faults.kills import CONNECTIONS, IN_A_WORKER
from tests.faults.outages import ENGINES, VALKEY, WORST
from tests.incidents.drill import Fault, Incident
from tests.incidents.verdict import Expected
from tests.systemd import are_active, dead, frozen, stopped, units

INVENTORY = "inventory/lab.py"
FORWARDERS, GATES = "forwarder@*.service", "gate@*.service"
RSPAMD, SPAMD = ENGINES
KNOT = "knot.service"
FILLER = f"dd if=/dev/zero bs=64k oflag=append conv=notrunc of={disks.SMALL}/filler"
FILL = f"while :; do {FILLER} 2>&-; sleep 1; done"
MOST_WORKERS = 3 * IN_A_WORKER
"""The lab has three forwarders on a host."""

ENGINE_ALERTS = ("EngineTimeouts", "EngineBreakerOpen", "Unscanned")


def _killed(pattern: str) -> Fault:
    """All units of mx1 that match, dead for good; and whether not one of them is back."""

    def none_active() -> bool:
        return not any(are_active(MX1, name) for name in units(MX1, pattern))

    return Fault(lambda _: dead(MX1, *units(MX1, pattern)), none_active)


def _are_held(host: LabHost, *names: str) -> bool:
    """Whether the main process of each unit is stopped (T in proc(5))."""
    show = "ps -o state= -p $(systemctl show --property MainPID --value {})"
    return all(ssh.on(host, f"{show.format(name)} || true").strip() == "T" for name in names)


def _held(host: LabHost, *names: str) -> Fault:
    return Fault(lambda _: frozen(host, *names), lambda: _are_held(host, *names))


def _ruled(*rules: str) -> Fault:
    """Packet filter rules on mx1; and whether a packet has met them."""
    return Fault(lambda _: ruled(MX1, *rules), lambda: ruled_packets(MX1) > 0)


@contextmanager
def _full(drill: Drill) -> Iterator[None]:
    """The disk under the inbound queue of mx1 full, whatever is freed there."""
    filling = f"systemd-run --quiet --collect --unit fault-filler sh -c '{FILL}'"
    with (
        disks.small(drill, MX1, disks.INBOUND),
        ssh.meanwhile(MX1, filling, f"systemctl stop fault-filler; {disks.EMPTIED}"),
    ):
        yield


def _is_full() -> bool:
    used = ssh.on(MX1, f"df --output=pcent {disks.INBOUND.path} | tail -1")
    return used.strip() in ("99%", "100%")


def _is_paused() -> bool:
    return docker("inspect", "--format", "{{.State.Paused}}", MX1.name).strip() == "true"


def _pair() -> Pair:
    return Pair(INVENTORY, pyinfra.exchange(INVENTORY))


@contextmanager
def _spamassassin_first() -> Iterator[None]:
    """Both hosts ask SpamAssassin first, by the inventory: an agent does not touch an operator's order."""
    pair = _pair()
    pair.converge("exchangers", spam_engines="spamassassin,rspamd")
    try:
        yield
    finally:
        pair.converge("exchangers")


DRAIN, DEMOTE = "drain mx1", "demote mx1"
INCIDENTS = (
    Incident(
        "forwarder dead",
        "no worker of mx1, and none comes back",
        _killed(FORWARDERS),
        Expected(DRAIN, ("ForwardersGone",)),
        slots=MOST_WORKERS,
    ),
    Incident(
        "gate dead",
        "no worker of mx1, and none comes back",
        _killed(GATES),
        Expected(DRAIN, ("GatesGone",)),
    ),
    Incident(
        "Rspamd frozen",
        "the engine that mx1 asks first keeps its socket and says nothing",
        _held(MX1, RSPAMD),
        Expected("bypass rspamd", ENGINE_ALERTS),
    ),
    Incident(
        "spamd frozen, asked first",
        "SpamAssassin first by the inventory, and on mx1 it says nothing",
        _held(MX1, SPAMD),
        Expected("bypass spamassassin", ENGINE_ALERTS),
        around=_spamassassin_first,
    ),
    Incident(
        "both engines frozen",
        "on mx1: mail moves on without a score",
        _held(MX1, *ENGINES),
        Expected(None, ENGINE_ALERTS, tolerated=("bypass rspamd", "bypass spamassassin")),
    ),
    Incident(
        "destination blocked",
        "mx1 alone gets no connection to port 25 of the mailbox provider",
        _ruled(f"output ip daddr {OUTSIDE.address} tcp dport 25 counter reject with tcp reset"),
        Expected(DRAIN, ("DeferralRatio",)),
        slots=disks.OUT.slots,
    ),
    Incident(
        "queue disk full",
        "the disk under the inbound queue of mx1",
        Fault(_full, _is_full),
        Expected(DRAIN, ("DiskFull",)),
    ),
    Incident(
        "mx1 frozen whole",
        "docker pause: its kernel still takes connections",
        Fault(lambda _: host_frozen(MX1), _is_paused),
        Expected(DEMOTE, ("HostSilent", "SmtpSilent")),
        slots=WORST,
    ),
    Incident(
        "mx1 cut from mx2",
        "and both reach the world",
        _ruled(f"input ip saddr {MX2.address} counter drop", f"output ip daddr {MX2.address} counter drop"),
        Expected(None, ("HostSilent",), tolerated=(DEMOTE, "demote mx2")),
        slots=2 * 3 * CONNECTIONS,
    ),
    Incident(
        "DNS server gone",
        "the one that takes the hosts' updates; the resolver stays",
        Fault(lambda _: stopped(OUTSIDE, KNOT), lambda: not are_active(OUTSIDE, KNOT)),
        Expected(None, ("ResolverSlow", "FailoverCannot")),
    ),
    Incident(
        "Valkey gone",
        "on mx1, and does not come back",
        Fault(lambda _: dead(MX1, VALKEY), lambda: not are_active(MX1, VALKEY)),
        Expected(None, ("ValkeyMissing",)),
    ),
    Incident(
        "PostgreSQL frozen",
        "where the hosts follow the aliases in a database",
        _held(DATABASE, POSTGRESQL),
        Expected(None, ("SnapshotStale",)),
        around=lambda: followed(_pair()),
    ),
)
