"""What the faults do to whole hosts, and how they know that both are whole again."""

import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from lab import ssh
from lab.engine import docker
from lab.settings import LAB, LabHost
from roles.lib import ports
from tests.mail.exchangers import WELL, wait_until_well

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


def wait_until_whole() -> None:
    """Every service of both hosts runs and answers; raises LabError with what does not."""
    for host in LAB.hosts:
        wait_until_well(host, WHOLE, RETURN_SECONDS)


@contextmanager
def host_frozen(host: LabHost) -> Iterator[None]:
    """Hold a whole host: its kernel still completes TCP handshakes, and nobody answers."""
    try:
        docker("pause", host.name)
        yield
    finally:
        docker("unpause", host.name)


def port_refused(host: LabHost, port: int) -> AbstractContextManager[None]:
    """Answer everything that comes to a TCP port of the host, open sessions included, with a reset."""
    rules = (
        "add table inet fault",
        "add chain inet fault input { type filter hook input priority -10; }",
        f"add rule inet fault input tcp dport {port} reject with tcp reset",
    )
    return ssh.meanwhile(host, f"nft {shlex.quote('; '.join(rules))}", "nft delete table inet fault")
