"""What becomes of a host that is to die, dies, or is lost, and what must be so afterwards."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.pyinfra import ROOT
from lab import ssh
from lab.checkouts import INVENTORY, twinmx
from lab.errors import LabError
from lab.mailbox import new_token
from lab.progress import note
from lab.settings import OUTSIDE, LabHost
from lab.waiting import until
from tests.faults.drill import Case, Drill
from tests.faults.hosts import MX1, MX2, ruled
from tests.faults.outages import WORST
from tests.hosts.test_quarantine import ALIAS, GTUBE, INJECT
from tests.recovery.disks import lose, new_machine, rebuild
from tests.rolling.cases import AGENT, BEGIN, both_in_service, expect

FILES = ROOT / "build" / "recovery"
WAITING = "{ postqueue -j; postqueue -c /etc/postfix-out -j; } | wc -l"
OUT_WAITING = "postqueue -c /etc/postfix-out -j | grep -c @mailbox || true"
ENOUGH = 20
"""Messages that shall wait for providers before a host is evacuated, or lost."""

PATIENCE_SECONDS = 120
RETURN_SECONDS = 300
LISTED = "mxctl quarantine list --json"
NO_PROVIDER = f"output ip daddr {OUTSIDE.address} tcp dport 25 reject with tcp reset"


@contextmanager
def _spam(host: LabHost) -> Iterator[str]:
    """A message in the host's quarantine; its name."""
    token = new_token()
    text = INJECT.format(token=token, alias=ALIAS, body=GTUBE)
    ssh.on(host, f"python3 -c {shlex.quote(text)}")
    name = until(lambda: _named(host, token), 30, f"{token} in the quarantine of {host.alias}")
    try:
        yield name
    finally:
        ssh.on(host, f"mxctl quarantine drop {name} || true")


def _named(host: LabHost, token: str) -> str | None:
    rows = json.loads(ssh.on(host, LISTED))
    return next((str(row["name"]) for row in rows if token in row.get("sender", "")), None)


def _names(host: LabHost) -> set[str]:
    return {str(row["name"]) for row in json.loads(ssh.on(host, LISTED))}


def _backup(host: LabHost, file: Path) -> None:
    FILES.mkdir(parents=True, exist_ok=True)
    expect(twinmx(ROOT, "backup", INVENTORY, host.alias, str(file)), 0, rf"✓ .*{file.name}:\s+{host.alias},")
    if (mode := file.stat().st_mode & 0o777) != 0o600:
        raise LabError(f"the backup has mode {mode:o}")


def _backup_restore(drill: Drill) -> None:
    """Saved, dropped, restored twice; what is foreign or damaged is refused, and changes nothing."""
    drill.until_sent(BEGIN)
    file, damaged = FILES / "mx2.tar", FILES / "damaged.tar"
    with _spam(MX2) as name:
        _backup(MX2, file)
        ssh.on(MX2, f"mxctl quarantine drop {name}")
        content = file.read_bytes().rstrip(b"\0")  # a tar ends with room that may be missing
        damaged.write_bytes(content[: len(content) // 2])
        refused = (MX1, file, "is a backup of mx2, not of mx1"), (MX2, damaged, "is (damaged|not whole)")
        for host, given, why in refused:
            before = _names(host)
            expect(twinmx(ROOT, "restore", INVENTORY, host.alias, str(given)), 1, why, "Nothing was touched")
            if _names(host) != before:
                raise LabError(f"{host.alias}: a refused backup has changed the quarantine")
        for told in (r"quarantine: [1-9]\d* restored", "quarantine: 0 restored"):
            expect(twinmx(ROOT, "restore", INVENTORY, "mx2", str(file)), 0, told)
            if name not in _names(MX2):
                raise LabError(f"{name} is not in the quarantine again")
        ssh.on(MX2, f"mxctl quarantine show {name} --headers")


def _until_providers_are_waited_for(host: LabHost) -> None:
    until(
        lambda: int(ssh.on(host, OUT_WAITING)) >= ENOUGH,
        PATIENCE_SECONDS,
        f"{ENOUGH} messages of {host.alias} that wait for providers",
    )


def _adopted(said: str) -> int:
    """The number in the column `adopted` of the last line of the ledger."""
    found = re.search(r"all +[│|] +[│|] +\d+ [│|] +(\d+) [│|]", said)
    return int(found[1]) if found else 0


def _evacuate(drill: Drill) -> None:
    """mx1 reaches no provider any more; all that waits there goes on through mx2."""
    drill.until_sent(BEGIN)
    with _in_service_afterwards(MX1), ruled(MX1, NO_PROVIDER):
        _until_providers_are_waited_for(MX1)
        with drill.moment("Postfix stopped", WORST):
            ran = twinmx(ROOT, "evacuate", INVENTORY, "mx1", "--patience", "10", "--names")
        expect(ran, 0, "mx1 is drained", "Postfix is stopped on mx1", "adopted")
        if _adopted(ran.said) < ENOUGH:
            raise LabError(f"{_adopted(ran.said)} messages went over:\n{ran.said}")
        if left := int(ssh.on(MX1, WAITING)):
            raise LabError(f"{left} messages are left on mx1")
        again = twinmx(ROOT, "evacuate", INVENTORY, "mx1", "--at-once")
        expect(again, 0)
        if _adopted(again.said):
            raise LabError(f"something went over twice:\n{again.said}")


@contextmanager
def _in_service_afterwards(host: LabHost) -> Iterator[None]:
    try:
        yield
    finally:
        ssh.on(host, "systemctl start postfix@out.service postfix.service && mxctl undrain")
        back = f"{host.alias} in service again"
        until(lambda: ssh.on(host, AGENT).strip() == "active", RETURN_SECONDS, back)


def _adopt_queue(drill: Drill) -> None:
    """mx1 dies with mail that waits for providers; mx2 delivers what is on its disk, once."""
    drill.until_sent(BEGIN)
    with drill.moment("mx1 lost", WORST):
        ssh.on(MX1, f"nft add table inet fault; nft {shlex.quote(_rules())}")
        _until_providers_are_waited_for(MX1)
        disk = lose(MX1)
    first = twinmx(ROOT, "adopt-queue", INVENTORY, "mx2", str(disk), "--names")
    expect(first, _status(first.said), "adopted")
    if _adopted(first.said) < ENOUGH:
        raise LabError(f"{_adopted(first.said)} messages were adopted:\n{first.said}")
    second = twinmx(ROOT, "adopt-queue", INVENTORY, "mx2", str(disk))
    expect(second, _status(second.said))
    if _adopted(second.said):
        raise LabError(f"something was adopted twice:\n{second.said}")
    new_machine(MX1)
    expect(rebuild(MX1)[0], 0)
    both_in_service()


def _rules() -> str:
    chain = "add chain inet fault output { type filter hook output priority -10; }"
    return f"{chain}; add rule inet fault {NO_PROVIDER}"


def _status(said: str) -> int:
    """Only what its sender has still may be left: a session that the death of the host has cut off."""
    left = [line for line in said.splitlines() if ": left, " in line]
    if wrong := [line for line in left if "its sender has it still" not in line]:
        raise LabError(f"left: {wrong}")
    return 2 if left else 0


def _rebuild(drill: Drill) -> None:
    """mx2 is lost at once; one command makes a bare machine of it again, and its disk is adopted there."""
    file = FILES / "mx2.tar"
    drill.until_sent(BEGIN)
    with _spam(MX2) as name:
        _backup(MX2, file)
        with drill.moment("mx2 lost", WORST):
            disk = lose(MX2)
        new_machine(MX2)
        ran, seconds = rebuild(MX2, "--restore", str(file))
        expect(ran, 0, "mx2: it carries no mail yet", r"quarantine: [1-9]\d* restored", "mx2 is rebuilt")
        note(f"mx2 was rebuilt in {seconds} s")
        if name not in _names(MX2):
            raise LabError(f"{name} is not in the quarantine of the new mx2")
        adopted = twinmx(ROOT, "adopt-queue", INVENTORY, "mx2", str(disk), "--names")
        expect(adopted, _status(adopted.said))
        both_in_service()


CASES: tuple[Case, ...] = (
    Case("backup-restore", "what only mx2 has, saved and put back", _backup_restore),
    Case("evacuate", "mx1 is dying: its queues go over to mx2", _evacuate),
    Case("adopt-queue", "mx1 is dead: mx2 delivers what is on its disk", _adopt_queue),
    Case("rebuild", "mx2 is lost and rebuilt from a bare machine, with its backup", _rebuild),
)
