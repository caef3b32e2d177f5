"""What the tests look at, and take away for a while, on the exchangers themselves."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from lab import ssh
from lab.settings import LAB, LabHost
from lab.waiting import until
from roles import rspamd
from roles.lib import ports

QUARANTINE = "/var/lib/twinmx/quarantine"
RETURN_SECONDS = 60
WELL = f"""curl --silent --fail --max-time 2 --unix-socket {rspamd.SCAN_SOCKET} http://rspamd/ping \
&& timeout 2 spamc --dest 127.0.0.1 -K \
&& for program in forwarder:{ports.METRICS_BASE} gate:{ports.GATE_METRICS_BASE}; do
  for unit in $(systemctl show --property Wants --value ${{program%:*}}.target); do
    number=${{unit#*@}}
    at=http://$(hostname -i):$((${{program#*:}} + ${{number%.service}}))
    curl --silent --fail --max-time 2 $at/healthz || exit 1
    ! curl --silent --max-time 2 $at/metrics | grep -q '^twinmx_spam_breaker_state.* [12]' || exit 1
  done
done"""


def is_queued(host: LabHost, queue_id: str) -> bool:
    """Whether the inbound instance of `host` still holds the message."""
    return f'"{queue_id}"' in ssh.on(host, "postqueue -j")


def wait_until_done(host: LabHost, queue_id: str) -> None:
    """Wait until the inbound instance of `host` has nothing more to do with the message."""
    until(lambda: not is_queued(host, queue_id), 30, f"{queue_id} out of the queue of {host.alias}")


def quarantined(token: str) -> list[str]:
    """The messages with `token` in the quarantines of all exchangers, with their envelopes."""
    look = f"find {QUARANTINE} -name message.eml -exec grep -l {shlex.quote(token)} {{}} + || true"
    found = [(host, path) for host in LAB.hosts for path in ssh.on(host, look).split()]
    return [
        ssh.on(host, f"cat {path} {path.removesuffix('message.eml')}envelope.json") for host, path in found
    ]


@contextmanager
def stopped(hosts: list[LabHost], *units: str) -> Iterator[None]:
    """Stop `units` on `hosts`, and have them run again afterwards whatever happens."""
    names = " ".join(shlex.quote(unit) for unit in units)
    try:
        for host in hosts:
            ssh.on(host, f"systemctl stop {names}")
        yield
    finally:
        for host in hosts:
            ssh.on(host, f"systemctl start {names}")
        for host in hosts:
            wait_until_well(host)


@contextmanager
def frozen(host: LabHost, *units: str) -> Iterator[None]:
    """Hold all processes of `units` on `host`: they keep their sockets and answer nothing."""
    names = " ".join(shlex.quote(unit) for unit in units)
    try:
        ssh.on(host, f"systemctl kill --kill-whom=all --signal=STOP {names}")
        yield
    finally:
        ssh.on(host, f"systemctl kill --kill-whom=all --signal=CONT {names}")
        wait_until_well(host)


def wait_until_well(host: LabHost) -> None:
    """Engines and workers answer, and the workers ask them, so that the next test meets a whole host."""
    until(
        lambda: ssh.on(host, f"({WELL}) >&2 && echo well || true"), RETURN_SECONDS, f"{host.alias} well again"
    )
