"""What the faults do to hosts, and how they know that a host is whole again."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from lab import ssh
from lab.engine import docker
from lab.errors import LabError
from lab.settings import LAB, LabHost
from lab.waiting import until
from roles.lib import ports
from tests.mail.exchangers import WELL

MX1, MX2 = LAB.hosts
RETURN_SECONDS = 90

SERVICES = ("postfix", "postfix@out", "rspamd", "spamd", "valkey-server")
PROGRAMS = "'forwarder@*.service' 'gate@*.service'"
GREETS = f'import smtplib\nfor port in (25, {ports.OUT}): smtplib.SMTP("127.0.0.1", port, timeout=3).quit()'
WHOLE = f"""for unit in {" ".join(SERVICES)} $(systemctl list-units --all --plain --no-legend {PROGRAMS} |
  cut -d' ' -f1); do
  systemctl is-active -q $unit || {{ echo $unit is not active; exit 1; }}
done
python3 -c {shlex.quote(GREETS)} && {WELL}"""


def units(host: LabHost, pattern: str) -> list[str]:
    """The loaded service units that match `pattern`."""
    listed = ssh.on(host, f"systemctl list-units --all --plain --no-legend {shlex.quote(pattern)}")
    return [line.split()[0] for line in listed.splitlines()]


def is_active(host: LabHost, unit: str) -> bool:
    """What systemd says of `unit`."""
    return ssh.on(host, f"systemctl is-active {shlex.quote(unit)} || true").strip() == "active"


def wait_until_well() -> None:
    """Every service of both hosts runs and answers; raises LabError with what does not."""
    for host in LAB.hosts:
        said = ""

        def whole(host: LabHost = host) -> bool:
            nonlocal said
            said = ssh.on(host, f"( {WHOLE} ) 2>&1 && echo whole || true")
            return said.endswith("whole\n")

        try:
            until(whole, RETURN_SECONDS, f"{host.alias} whole")
        except LabError as error:
            raise LabError(f"{error.cause}; it says: {said.strip() or 'nothing'}") from error


def kill(host: LabHost, *names: str, whom: str = "main") -> None:
    """`kill -9` the main process of each unit (or, with `whom`, all of its processes)."""
    quoted = " ".join(shlex.quote(name) for name in names)
    ssh.on(host, f"systemctl kill --kill-whom={whom} --signal=KILL {quoted}")


def systemctl(host: LabHost, verb: str, *names: str, seconds: float = 120) -> None:
    """`systemctl VERB UNIT…`; raises LabError when it fails."""
    ssh.on(host, f"systemctl {verb} {' '.join(shlex.quote(name) for name in names)}", seconds=seconds)


def main_pid(host: LabHost, unit: str) -> int:
    """The main process of `unit`; 0 without one."""
    return int(ssh.on(host, f"systemctl show --property MainPID --value {shlex.quote(unit)}"))


@contextmanager
def comes_back(host: LabHost, *names: str, seconds: float = 20) -> Iterator[None]:
    """What is in the block kills units, and systemd has to start each again by itself: else LabError.

    They are started in any case.
    """
    before = {name: main_pid(host, name) for name in names}
    try:
        yield
        until(
            lambda: all(
                is_active(host, name) and main_pid(host, name) != pid for name, pid in before.items()
            ),
            seconds,
            f"{', '.join(names)} of {host.alias} started again by systemd",
        )
    finally:
        systemctl(host, "start", *names)


@contextmanager
def stopped(host: LabHost, *names: str) -> Iterator[None]:
    """Stop units and start them afterwards."""
    try:
        systemctl(host, "stop", *names)
        yield
    finally:
        systemctl(host, "start", *names)


@contextmanager
def frozen(host: LabHost, *names: str) -> Iterator[None]:
    """Hold all processes of units (SIGSTOP): they keep their sockets and answer nothing."""
    quoted = " ".join(shlex.quote(name) for name in names)
    try:
        ssh.on(host, f"systemctl kill --kill-whom=all --signal=STOP {quoted}")
        yield
    finally:
        ssh.on(host, f"systemctl kill --kill-whom=all --signal=CONT {quoted}")


@contextmanager
def host_frozen(host: LabHost) -> Iterator[None]:
    """Hold a whole host: its kernel still completes TCP handshakes, and nobody answers."""
    try:
        docker("pause", host.name)
        yield
    finally:
        docker("unpause", host.name)


@contextmanager
def port_refused(host: LabHost, port: int) -> Iterator[None]:
    """Answer everything that comes to a TCP port of the host, open sessions included, with a reset."""
    rules = (
        "add table inet fault",
        "add chain inet fault input { type filter hook input priority -10; }",
        f"add rule inet fault input tcp dport {port} reject with tcp reset",
    )
    try:
        ssh.on(host, f"nft {shlex.quote('; '.join(rules))}")
        yield
    finally:
        ssh.on(host, "nft delete table inet fault")
