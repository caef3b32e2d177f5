"""What the tests look at, and take away for a while, on the exchangers themselves."""

import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from lab import ssh
from lab.settings import LAB, LabHost
from lab.waiting import until
from lab.well import wait_until_well
from tests import systemd

QUARANTINE = "/var/lib/twinmx/quarantine"


def is_queued(host: LabHost, queue_id: str) -> bool:
    """Whether the inbound instance of `host` still holds the message."""
    return f'"{queue_id}"' in ssh.on(host, "postqueue -j")


def wait_until_done(host: LabHost, queue_id: str) -> None:
    """Wait until the inbound instance of `host` has nothing more to do with the message."""
    until(lambda: not is_queued(host, queue_id), 30, f"{queue_id} out of the queue of {host.alias}")


def put_aside(name: str, token: str) -> list[tuple[LabHost, str]]:
    """The files called `name` that have `token` in them, in the quarantines of all exchangers.

    What begins with a dot is just being written.
    """
    look = f"find {QUARANTINE}/[!.]* -name {name} -exec grep -l {shlex.quote(token)} {{}} + || true"
    return [(host, path) for host in LAB.hosts for path in ssh.on(host, look).split()]


def quarantined(token: str) -> list[str]:
    """The messages with `token` in the quarantines of all exchangers, with their envelopes."""
    found = put_aside("message.eml", token)
    return [
        ssh.on(host, f"cat {path} {path.removesuffix('message.eml')}envelope.json") for host, path in found
    ]


def logged(program: str, queue_id: str) -> dict[str, object]:
    """The line in which `program` tells of a message; a share goes to the peer's forwarder."""
    look = f"journalctl -q -o cat -u '{program}@*' --grep {queue_id} || true"
    found = until(
        lambda: "".join(ssh.on(host, look) for host in LAB.hosts),
        10,
        f"{queue_id} in the log of the {program}",
    )
    lines = [json.loads(line) for line in found.splitlines() if line.startswith("{")]
    (line,) = (line for line in lines if line["event"] == "message" and line["queue_id"] == queue_id)
    return dict(line)


@contextmanager
def stopped(hosts: list[LabHost], *units: str) -> Iterator[None]:
    """Stop `units` on `hosts`, and have them run again afterwards whatever happens, and the hosts well."""
    try:
        with ExitStack() as stack:
            for host in hosts:
                stack.enter_context(systemd.stopped(host, *units))
            yield
    finally:
        for host in hosts:
            wait_until_well(host)


@contextmanager
def frozen(host: LabHost, *units: str) -> Iterator[None]:
    """Hold all processes of `units` on `host`, and have it well again afterwards."""
    try:
        with systemd.frozen(host, *units):
            yield
    finally:
        wait_until_well(host)
