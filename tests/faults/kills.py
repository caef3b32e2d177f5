"""Cases in which something dies at once, with what it has in hand.

The numbers of slots say how many messages the killed program can have passed on without having been able
to say so: each of them may arrive twice, and nothing else may. What comes after the victim is held for an
instant before the kill, or on an idle machine it would have nothing in hand.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from lab.settings import OUTSIDE, LabHost
from tests.faults.drill import Case, Drill, UnavailableError
from tests.faults.hosts import MX1, MX2, host_frozen
from tests.systemd import comes_back, frozen, kill, systemctl, units

INBOUND, OUT = "postfix.service", "postfix@out.service"

CONNECTIONS = 20
"""Of a worker to postfix-out: `reinject.connections` in templates/forwarder."""

TO_FORWARDERS = 60
"""Deliveries of the inbound Postfix at a time: maxproc of `fwd` in templates/postfix."""

TO_PROVIDERS = 40
"""Deliveries of postfix-out at a time: Postfix's 20 for each of the lab's two mailbox domains."""

IN_A_WORKER = CONNECTIONS
AROUND_OUT = TO_FORWARDERS + TO_PROVIDERS
"""Taken by postfix-out and not yet reported to a worker, or by a provider and not yet noted by it."""

KILLED = "code=killed, status=9/KILL"

HOLD = 0.05
"""Share of the letters that is begun while the next program is held."""


def workers_of(host: LabHost) -> list[str]:
    """The units of the forwarder on `host`."""
    return units(host, "forwarder@*.service")


@contextmanager
def _in_hand(drill: Drill, host: LabHost, *after: str) -> Iterator[None]:
    """Hold the units that come `after` the victim until mail waits for their answers; then comes the kill."""
    with frozen(host, *after):
        drill.until_more(HOLD)
        yield


def worker(drill: Drill) -> None:
    """Kill one worker three times."""
    for _ in drill.shares(3):
        name = drill.draw.choice(workers_of(MX1))
        with drill.moment(f"{name} killed", IN_A_WORKER), _in_hand(drill, MX1, OUT):
            kill(MX1, name)


def workers(drill: Drill) -> None:
    """Kill all workers of a host at the same moment, twice."""
    for _ in drill.shares(2):
        names = workers_of(MX1)
        slots = IN_A_WORKER * len(names)
        with drill.moment("all workers killed", slots), _in_hand(drill, MX1, OUT):
            kill(MX1, *names)


def workers_everywhere(drill: Drill) -> None:
    """Kill all workers of both hosts: for a second there is nobody at all."""
    for _ in drill.shares(2):
        for host in MX1, MX2:
            names = workers_of(host)
            with drill.moment(f"all workers of {host.alias} killed", IN_A_WORKER * len(names)):
                kill(host, *names)


def gate(drill: Drill) -> None:
    """Kill all gate workers, three times. It has nothing in hand: the SMTP session is Postfix's."""
    names = units(MX1, "gate@*.service")
    if not names:
        raise UnavailableError("there is no gate on this host yet")
    for _ in drill.shares(3):
        kill(MX1, *names)


def _master(drill: Drill, unit: str, slots: int, after: LabHost, *names: str) -> None:
    for _ in drill.shares(2):
        with (
            comes_back(MX1, unit),
            drill.moment(f"{unit} killed", slots),
            _in_hand(drill, after, *names),
        ):
            kill(MX1, unit)


def master_inbound(drill: Drill) -> None:
    """Kill the master of the instance that takes mail from the world, twice; systemd brings it back.

    postfix@out is part of it (PartOf=) and is restarted along with it.
    """
    _master(drill, INBOUND, TO_FORWARDERS + AROUND_OUT, MX1, *workers_of(MX1))


def master_out(drill: Drill) -> None:
    """Kill the master of the instance that sends, twice; systemd brings it back."""
    _master(drill, OUT, AROUND_OUT, OUTSIDE, "postfix.service")


def everything_of_postfix(drill: Drill) -> None:
    """Kill every process of both instances at once."""
    names = (INBOUND, OUT)
    for _ in drill.shares(2):
        slots = TO_FORWARDERS + AROUND_OUT
        with comes_back(MX1, *names), drill.moment("Postfix killed", slots):
            kill(MX1, *names, whom="all")


def host_short(drill: Drill) -> None:
    """Freeze a host for half of the traffic: shorter than any of its own timeouts."""
    drill.until_sent(0.2)
    with host_frozen(MX1):
        drill.until_sent(0.7)


def restarts_of_one_worker(drill: Drill) -> None:
    """`systemctl restart forwarder@3`, over and over: a graceful stop loses and repeats nothing."""
    for _ in drill.shares(8):
        systemctl(MX1, "restart", "forwarder@3")


CASES = (
    Case("worker killed", "kill -9 of one forwarder worker, three times", worker, core=True, trace=KILLED),
    Case(
        "all workers killed", "kill -9 of a host's workers together, twice", workers, core=True, trace=KILLED
    ),
    Case(
        "all workers killed, both hosts", "nobody takes mail for a second", workers_everywhere, trace=KILLED
    ),
    Case("gate killed", "kill -9 of all gate workers, three times", gate, core=True, trace=KILLED),
    Case("inbound Postfix killed", "kill -9 of its master, twice", master_inbound, core=True, trace=KILLED),
    Case("postfix-out killed", "kill -9 of its master, twice", master_out, core=True, trace=KILLED),
    Case(
        "all of Postfix killed",
        "kill -9 of every process of both instances",
        everything_of_postfix,
        trace=KILLED,
    ),
    Case("host frozen", "a whole host held while half of the mail comes", host_short, core=True),
    Case("forwarder@3 restarted", "systemctl restart, eight times", restarts_of_one_worker, core=True),
)
