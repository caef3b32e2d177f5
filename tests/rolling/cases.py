"""What an operator does to a pair that carries mail, and what must be so afterwards."""

import re

from controller.pyinfra import ROOT
from lab import hosts, image, ssh
from lab.errors import LabError
from lab.settings import LabHost
from lab.waiting import until
from tests.faults.drill import Case, Drill
from tests.faults.hosts import MX1, MX2
from tests.rolling.checkouts import (
    CRASHES,
    HARMLESS,
    INVENTORY,
    PUTS_OFF,
    REFUSES,
    Edit,
    Ran,
    checkout,
    twinmx,
)

BEGIN = 0.02
"""Share of the letters that are on their way before anything is done."""

EMPTY_SECONDS = 300
CURRENT = "/opt/twinmx/current"
STATE_OF_A_HOST = (
    f"readlink {CURRENT}; sha256sum /etc/postfix/main.cf /etc/postfix-out/main.cf /etc/twinmx/forwarder.toml"
)
WAITING = "{ postqueue -j; postqueue -c /etc/postfix-out -j; } | wc -l"
AGENT = "mxctl failover status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"state\"])'"


def state_of(host: LabHost) -> str:
    """Release and configuration of a host, as text to compare."""
    return ssh.on(host, STATE_OF_A_HOST)


def expect(ran: Ran, status: int, *said: str) -> None:
    """LabError unless it ended with `status`, and said all of this (regular expressions)."""
    missing = [text for text in said if not re.search(text, ran.said, re.DOTALL)]
    if ran.status != status or missing:
        raise LabError(f"ended with {ran.status}, and did not say {missing}:\n{ran.said[-6000:]}")


def both_in_service() -> None:
    """LabError unless both hosts are, by their own agents."""
    for host in (MX1, MX2):
        if (state := ssh.on(host, AGENT).strip()) != "active":
            raise LabError(f"{host.alias} is {state}, not in service again")


def _back() -> None:
    """Both as this checkout has them, whatever the case did."""
    expect(twinmx(ROOT, "converge", INVENTORY), 0)


def _converge(drill: Drill) -> None:
    drill.until_sent(BEGIN)
    try:
        expect(
            twinmx(checkout("harmless", *HARMLESS), "converge", INVENTORY),
            0,
            "mx2 is drained.*mx1 is drained",
        )
        both_in_service()
    finally:
        _back()


def _bad(name: str, edits: tuple[Edit, ...], gate: str) -> Case:
    """A bad release: mx2 goes back by itself, and mx1 is never touched."""

    def inject(drill: Drill) -> None:
        before = {host: state_of(host) for host in (MX1, MX2)}
        folder = checkout(name, *edits)
        drill.until_sent(BEGIN)
        ran = twinmx(folder, "converge", INVENTORY)
        expect(ran, 1, gate, "It was taken back to what it was before", "Not touched: mx1, DNS")
        changed = [host.alias for host, state in before.items() if state_of(host) != state]
        if changed:
            raise LabError(f"{', '.join(changed)} is not what it was before")
        both_in_service()
        expect(twinmx(ROOT, "plan", INVENTORY), 0)

    return Case(name, f"a converge that fails at: {gate}", inject)


def _rollback(drill: Drill) -> None:
    before = state_of(MX2)
    folder = checkout("rolled-back", *HARMLESS)
    expect(twinmx(folder, "converge", INVENTORY), 0)
    drill.until_sent(BEGIN)
    try:
        expect(twinmx(folder, "rollback", INVENTORY, "mx2"), 0)
        if state_of(MX2) != before:
            raise LabError("mx2 is not what it was before its last converge")
        both_in_service()
        expect(twinmx(folder, "rollback", INVENTORY, "mx2"), 1, "nothing to go back to")
    finally:
        ssh.on(MX2, "mxctl undrain 2>/dev/null || true")
        _back()


def _replaced(drill: Drill) -> None:
    """The operator drains the old machine, waits for its queues, and puts a new one in its place."""
    drill.until_sent(BEGIN)
    ssh.on(MX2, "mxctl drain --wait --reason 'a new machine'", seconds=EMPTY_SECONDS)
    until(lambda: int(ssh.on(MX2, WAITING)) == 0, EMPTY_SECONDS, "mx2 has handed over all of its mail")
    hosts.remove([MX2])
    hosts.start(MX2, image.current())
    hosts.await_ready(MX2)
    expect(twinmx(ROOT, "converge", INVENTORY), 0, "mx2: it carries no mail yet")
    both_in_service()


CASES: tuple[Case, ...] = (
    Case("converge", "a rolling converge: new release, new configuration", _converge),
    _bad("crashes", CRASHES, "converge: .*forwarder"),
    _bad("puts-off", PUTS_OFF, "its own forwarder.*451"),
    _bad("refuses", REFUSES, "through its port 25.*was not taken: 554"),
    Case("rollback", "twinmx rollback by hand", _rollback),
    Case("replaced", "mx2 is a new machine of the same name", _replaced),
)
