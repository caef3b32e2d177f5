"""Cases in which a disk takes no more, or loses what it was given: under a queue, on one host.

A queue is put on a small file system of its own for the time of the case and brought back afterwards, with
whatever is in it; Postfix renames queue files after such a move by itself (postsuper(1)). fsync fails by
systemd's system call filter, which needs no compiler and no special disk.
"""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab import ssh
from lab.settings import LabHost
from tests.faults import kills
from tests.faults.drill import Case, Drill
from tests.faults.hosts import MX1, systemctl
from tests.faults.kills import AROUND_OUT, TO_FORWARDERS

MEGABYTES = 200
"""More than `queue_minfree`, below which Postfix refuses before the disk is full."""

INODES = 4000
SMALL = "/mnt/fault"
FULL_OF_BYTES = f"dd if=/dev/zero of={SMALL}/filler bs=64k 2>/dev/null; true"
FULL_OF_FILES = f"mkdir {SMALL}/filler && cd {SMALL}/filler && seq {INODES} | xargs touch 2>/dev/null; true"
FULL = "No space left on device|not enough free space|Insufficient system storage"
UNSAFE = "queue file write error"
EMPTIED = f"rm -rf {SMALL}/filler"


@dataclass(frozen=True)
class Queue:
    """A queue of a host, and what its Postfix can have in hand when it is stopped."""

    unit: str
    path: str
    slots: int


INBOUND = Queue(kills.INBOUND, "/var/spool/postfix", TO_FORWARDERS + AROUND_OUT)
OUT = Queue(kills.OUT, "/var/spool/postfix-out", AROUND_OUT)


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
def _small(drill: Drill, host: LabHost, queue: Queue) -> Iterator[None]:
    """Have the queue on a file system of its own, small in bytes and in files."""
    there = f"""set -e; mkdir -p {SMALL}
mount -t tmpfs -o size={MEGABYTES}m,nr_inodes={INODES} fault {SMALL}
cp -a {queue.path}/. {SMALL}/
mount --bind {SMALL} {queue.path}"""
    back = f"""if mountpoint -q {queue.path}; then
  umount {queue.path} && find {queue.path} -mindepth 1 -delete && cp -a {SMALL}/. {queue.path}/ || exit 1
fi
if mountpoint -q {SMALL}; then umount {SMALL}; fi"""
    try:
        with _stopped(drill, host, queue):
            ssh.on(host, there)
        yield
    finally:
        with _stopped(drill, host, queue):
            ssh.on(host, back)


def _full(queue: Queue, fill: str) -> Case:
    what = "bytes" if fill == FULL_OF_BYTES else "inodes"
    short = "postfix-out" if queue is OUT else "inbound"

    def inject(drill: Drill) -> None:
        with _small(drill, MX1, queue):
            drill.until_sent(0.2)
            try:
                ssh.on(MX1, fill)
                drill.until_sent(0.6)
            finally:
                ssh.on(MX1, EMPTIED)

    says = f"no {what} left under the {short} queue for a good third of the mail"
    return Case(
        f"disk full ({what}), {short}", says, inject, core=queue is OUT and fill == FULL_OF_FILES, trace=FULL
    )


@contextmanager
def _fsync_failing(drill: Drill, host: LabHost, queue: Queue) -> Iterator[None]:
    """Let every fsync(2) and fdatasync(2) of the queue's Postfix end with EIO."""
    file = f"/run/systemd/system/{queue.unit}.d/fault.conf"
    rule = "[Service]\\nSystemCallFilter=\\nSystemCallFilter=~fsync:EIO fdatasync:EIO\\n"
    put = f"mkdir -p $(dirname {file}) && printf {shlex.quote(rule)} >{file} && systemctl daemon-reload"
    try:
        with _stopped(drill, host, queue):
            ssh.on(host, put)
        yield
    finally:
        with _stopped(drill, host, queue):
            ssh.on(host, f"rm -f {file}; systemctl daemon-reload")


def _fsync(queue: Queue) -> Case:
    short = "postfix-out" if queue is OUT else "inbound"

    def inject(drill: Drill) -> None:
        with _fsync_failing(drill, MX1, queue):
            drill.until_sent(0.5)

    return Case(f"fsync fails, {short}", f"EIO from every fsync of the {short} Postfix", inject, trace=UNSAFE)


CASES = (
    *(_full(queue, fill) for queue in (OUT, INBOUND) for fill in (FULL_OF_BYTES, FULL_OF_FILES)),
    *(_fsync(queue) for queue in (OUT, INBOUND)),
)
