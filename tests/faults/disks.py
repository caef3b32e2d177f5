"""Cases in which a disk takes no more, or loses what it was given: under a queue, on one host.

A queue is put on a small file system of its own for the time of the case and brought back afterwards, with
whatever is in it; Postfix renames queue files after such a move by itself (postsuper(1)). fsync fails by
systemd's system call filter, which needs no compiler and no special disk.
"""

import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from lab import ssh
from lab.settings import LabHost
from tests.faults import kills
from tests.faults.drill import Case, Drill
from tests.faults.hosts import MX1
from tests.faults.kills import AROUND_OUT, TO_FORWARDERS
from tests.systemd import systemctl

MEGABYTES = 200
"""More than `queue_minfree`, below which Postfix refuses before the disk is full."""

INODES = 4000
SMALL = "/mnt/fault"
FULL_OF_BYTES = f"dd if=/dev/zero of={SMALL}/filler bs=64k 2>/dev/null; true"
FULL_OF_FILES = (
    f"mkdir -p {SMALL}/filler && cd {SMALL}/filler && mktemp -u XXXXXXXX | xargs -I+ seq -f +%g {INODES} "
    "| xargs touch 2>/dev/null; true"
)
REFILLED = (0.25, 0.3, 0.4, 0.5)
"""When it is filled up again: mail that was under way at first leaves room that the next would take."""

FULL = "No space left on device|not enough free space|Insufficient system storage"
UNSAFE = "queue file write error"
EMPTIED = f"rm -rf {SMALL}/filler"


@dataclass(frozen=True)
class Queue:
    """A queue of a host, what people call its Postfix, and what that can have in hand when it is stopped."""

    name: str
    unit: str
    path: str
    slots: int


INBOUND = Queue("inbound", kills.INBOUND, "/var/spool/postfix", TO_FORWARDERS + AROUND_OUT)
OUT = Queue("postfix-out", kills.OUT, "/var/spool/postfix-out", AROUND_OUT)


@contextmanager
def _stopped(drill: Drill, host: LabHost, queue: Queue) -> Iterator[None]:
    """Stop the queue's Postfix, and start it whatever happens; postfix.service takes the other one along."""
    with drill.moment(f"{queue.unit} restarted", queue.slots):
        systemctl(host, "stop", queue.unit)
        try:
            yield
        finally:
            systemctl(host, "start", OUT.unit, INBOUND.unit)


@contextmanager
def _changed(drill: Drill, host: LabHost, queue: Queue, do: str, undo: str) -> Iterator[None]:
    """Run `do`, and `undo` afterwards, each while the queue's Postfix is stopped."""
    try:
        with _stopped(drill, host, queue):
            ssh.on(host, do)
        yield
    finally:
        with _stopped(drill, host, queue):
            ssh.on(host, undo)


def small(drill: Drill, host: LabHost, queue: Queue) -> AbstractContextManager[None]:
    """Have the queue on a file system of its own, small in bytes and in files."""
    there = f"""set -e; mkdir -p {SMALL}
mount -t tmpfs -o size={MEGABYTES}m,nr_inodes={INODES} fault {SMALL}
cp -a {queue.path}/. {SMALL}/
mount --bind {SMALL} {queue.path}"""
    back = f"""if mountpoint -q {queue.path}; then
  umount {queue.path} && find {queue.path} -mindepth 1 -delete && cp -a {SMALL}/. {queue.path}/ || exit 1
fi
if mountpoint -q {SMALL}; then umount {SMALL}; fi"""
    return _changed(drill, host, queue, there, back)


def _full(queue: Queue, fill: str) -> Case:
    what = "bytes" if fill == FULL_OF_BYTES else "inodes"

    def inject(drill: Drill) -> None:
        with small(drill, MX1, queue):
            drill.until_sent(0.2)
            with ssh.meanwhile(MX1, fill, EMPTIED):
                for share in REFILLED:
                    drill.until_sent(share)
                    ssh.on(MX1, fill)
                drill.until_sent(0.6)

    says = f"no {what} left under the {queue.name} queue for a good third of the mail"
    core = queue is OUT and fill == FULL_OF_FILES
    return Case(f"disk full ({what}), {queue.name}", says, inject, core, trace=FULL)


def _fsync_failing(drill: Drill, host: LabHost, queue: Queue) -> AbstractContextManager[None]:
    """Let every fsync(2) and fdatasync(2) of the queue's Postfix end with EIO."""
    file = f"/run/systemd/system/{queue.unit}.d/fault.conf"
    rule = "[Service]\\nSystemCallFilter=\\nSystemCallFilter=~fsync:EIO fdatasync:EIO\\n"
    put = f"mkdir -p $(dirname {file}) && printf {shlex.quote(rule)} >{file} && systemctl daemon-reload"
    return _changed(drill, host, queue, put, f"rm -f {file}; systemctl daemon-reload")


def _fsync(queue: Queue) -> Case:
    def inject(drill: Drill) -> None:
        with _fsync_failing(drill, MX1, queue):
            drill.until_sent(0.5)

    says = f"EIO from every fsync of the {queue.name} Postfix"
    return Case(f"fsync fails, {queue.name}", says, inject, trace=UNSAFE)


CASES = (
    *(_full(queue, fill) for queue in (OUT, INBOUND) for fill in (FULL_OF_BYTES, FULL_OF_FILES)),
    *(_fsync(queue) for queue in (OUT, INBOUND)),
)
