"""What an operator does to a pair that carries mail, and what must be so afterwards."""

import re
from contextlib import suppress

from controller.pyinfra import ROOT
from controller.upgrade import REQUIRED
from lab import hosts, image, ssh
from lab.checkouts import INVENTORY, Edit, Ran, checkout, twinmx
from lab.errors import LabError
from lab.progress import note
from lab.settings import LabHost
from lab.waiting import until
from tests.faults.drill import Case, Drill
from tests.faults.hosts import MX1, MX2
from tests.rolling import point_release
from tests.rolling.newer import HIGHER
from tests.rolling.releases import CRASHES, HARMLESS, PUTS_OFF, REFUSES

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


def _drained(host: LabHost) -> bool:
    with suppress(LabError):  # refused for a while, where the other one has just come back
        ssh.on(host, "mxctl drain --wait --reason 'a new machine'", seconds=EMPTY_SECONDS)
    return ssh.on(host, AGENT).strip() == "drained"


def _replace(host: LabHost) -> None:
    """The operator drains the old machine, waits for its queues, and puts a new one in its place."""
    until(lambda: _drained(host), EMPTY_SECONDS, f"{host.alias} is drained")
    left = f"{host.alias} has handed over all of its mail"
    until(lambda: int(ssh.on(host, WAITING)) == 0, EMPTY_SECONDS, left)
    hosts.remove([host])
    hosts.start(host, image.current())
    hosts.await_ready(host)
    expect(twinmx(ROOT, "converge", INVENTORY), 0, f"{host.alias}: it carries no mail yet")
    both_in_service()


def _replaced(drill: Drill) -> None:
    drill.until_sent(BEGIN)
    _replace(MX2)


def _point_release(drill: Drill) -> None:
    """Then both are new machines, as Debian has no way back."""
    pair = (MX1, MX2)
    try:
        offered = {host: point_release.prepare(host) for host in pair}
        before = {host: point_release.started(host) for host in pair}
        ssh.on(MX2, f"touch {REQUIRED}")
        expect(
            twinmx(ROOT, "upgrade", INVENTORY, "--dry-run"),
            2,
            rf"package postfix: \S+ → \S+{re.escape(HIGHER)}",
        )
        drill.until_sent(BEGIN)
        ran = twinmx(ROOT, "upgrade", INVENTORY)
        expect(ran, 0, rf"mx2 is drained.*mx2: {REQUIRED} is there.*mx1 is drained")
        both_in_service()
        for host in pair:
            point_release.has_it(host, offered[host], before[host])
        expect(twinmx(ROOT, "unchanged", INVENTORY), 0)
        expect(twinmx(ROOT, "drift", INVENTORY), 0)
        expect(twinmx(ROOT, "upgrade", INVENTORY), 0, "mx2: nothing to change.*mx1: nothing to change")
    except LabError as error:
        note(f"✗ {error}")  # before the machines are gone, which may fail as well
        raise
    finally:
        for host in reversed(pair):
            _replace(host)


CASES: tuple[Case, ...] = (
    Case("converge", "a rolling converge: new release, new configuration", _converge),
    _bad("crashes", CRASHES, "converge: .*forwarder"),
    _bad("puts-off", PUTS_OFF, "its own forwarder.*451"),
    _bad("refuses", REFUSES, "through its port 25.*was not taken: 554"),
    Case("rollback", "twinmx rollback by hand", _rollback),
    Case("replaced", "mx2 is a new machine of the same name", _replaced),
    Case("point-release", "every package of the mail path in a newer version", _point_release),
)
