"""A lab host that is lost at one blow, and what is left of its disk; and a new machine in its place."""

import re
import shutil
from pathlib import Path

from lab import hosts, image
from lab.checkouts import INVENTORY, Ran, twinmx
from lab.engine import docker
from lab.settings import ROOT, LabHost
from twinmx.recovery.adopting import LOGS, MESSAGES

DISKS = ROOT / "build" / "recovery" / "disks"
SPOOL = "var/spool"
INSTANCES = ("postfix", "postfix-out")


def lose(host: LabHost) -> Path:
    """Kill every process of a host, keep a copy of its queues with owners and modes, and remove it."""
    disk = DISKS / host.alias
    shutil.rmtree(disk, ignore_errors=True)
    docker("kill", host.name)
    for instance in INSTANCES:
        (disk / SPOOL / instance).mkdir(parents=True)
        for queue in (*MESSAGES, *LOGS):
            docker(
                "cp", "--archive", f"{host.name}:/{SPOOL}/{instance}/{queue}", str(disk / SPOOL / instance)
            )
    hosts.remove([host])
    return disk


def new_machine(host: LabHost) -> None:
    """A bare Debian at the host's address."""
    hosts.start(host, image.current())
    hosts.await_ready(host)


def rebuild(host: LabHost, *options: str) -> tuple[Ran, str]:
    """`twinmx rebuild`, and how many seconds it says that it took."""
    ran = twinmx(ROOT, "rebuild", INVENTORY, host.alias, *options)
    seconds = re.search(r"is rebuilt \((\d+) s\)", ran.said)
    return ran, seconds[1] if seconds else "?"
