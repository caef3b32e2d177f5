"""Put the faults of a drill in, prove that they are in effect, and take them out again.

Those of exchangers come and go by converges. Those of the outside world and of the machine with the
containers are no business of pyinfra's inventory: the drill's own shell commands do it.
"""

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime

from drills.lib.model import Drill, Fault, Where
from drills.lib.shell import shell
from lab import ssh
from lab.errors import LabError
from lab.settings import DATABASE, LAB, OUTSIDE, LabHost
from lab.waiting import until

COMMAND_SECONDS = 300
PROOF_SECONDS = 120
ASK_SECONDS = 30
UNIT = "drill.service"
BEGAN = f"systemctl show --timestamp=us+utc -P InactiveExitTimestamp {UNIT}"
BACK_SECONDS = 180


def hosts_of(where: Where) -> Sequence[LabHost]:
    """The lab hosts that a place stands for; none for the controller. MX order is that of the names here."""
    return {
        Where.FIRST: LAB.hosts[:1],
        Where.LAST: LAB.hosts[-1:],
        Where.ALL: LAB.hosts,
        Where.OUTSIDE: (OUTSIDE,),
        Where.DATABASE: (DATABASE,),
        Where.CONTROLLER: (),
    }[where]


def run(where: Where, command: str, seconds: float = COMMAND_SECONDS) -> str:
    """Run a shell command at a place and return what it printed; raises LabError where it fails."""
    if where is Where.CONTROLLER:
        try:
            status, printed = shell(command, seconds)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{command}: not done within {seconds:g} s") from error
        if status:
            raise LabError(f"{command}: {printed.strip() or status}")
        return printed
    return "".join(ssh.on(host, f"set -e\n{command}", seconds=seconds) for host in hosts_of(where))


def in_effect(fault: Fault) -> bool:
    """Whether its proof holds everywhere it is; a host that cannot be asked proves nothing."""
    try:
        run(fault.where, fault.proof, ASK_SECONDS)
    except LabError:
        return False
    return True


def prove(drill: Drill) -> None:
    """Wait until all faults are in effect; raises LabError naming the one that is not."""
    for fault in drill.faults:
        until(lambda: in_effect(fault), PROOF_SECONDS, f"the fault at {fault.where}: {fault.proof}")  # noqa: B023


def gone(drill: Drill) -> list[str]:
    """The faults that should last and are not in effect."""
    return [f"{one.where}: {one.proof}" for one in drill.faults if one.lasts and not in_effect(one)]


def begin_beyond(drill: Drill) -> None:
    """Begin those faults that no converge puts in."""
    for fault in drill.faults:
        if not fault.where.on_exchangers:
            run(fault.where, fault.begin)


def end_beyond(drill: Drill) -> None:
    """End them in the opposite order, each whatever became of the others; raises the first LabError."""
    failed: list[LabError] = []
    for fault in reversed(drill.faults):
        if not fault.where.on_exchangers:
            try:
                run(fault.where, fault.end)
            except LabError as error:
                failed.append(error)
    if failed:
        raise failed[0]


def began_on_exchangers(drill: Drill) -> float | None:
    """When the first of the faults that a converge puts in began, by systemd; seconds since 1970."""
    found = []
    for fault in drill.faults:
        for host in hosts_of(fault.where) if fault.where.on_exchangers else ():
            try:
                said = ssh.on(host, BEGAN).strip()
            except LabError:
                continue  # the fault may be one that shuts us out
            if said:
                parsed = datetime.strptime(said, "%a %Y-%m-%d %H:%M:%S.%f %Z")
                found.append(parsed.replace(tzinfo=UTC).timestamp())
    return min(found, default=None)


def wait_until_reached() -> None:
    """Wait until every exchanger answers by SSH, as after a kill or a reboot."""
    ssh.close(LAB.hosts)
    for host in LAB.hosts:
        until(lambda: ssh.answers(host), BACK_SECONDS, f"{host.alias} reached")  # noqa: B023
