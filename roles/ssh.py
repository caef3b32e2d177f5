"""How operators log in: sshd's settings where the inventory asks for them (`access.ssh`), else untouched.

Ports: sshd's, which stays what it is. Nothing of ours depends on it, and who loses it loses the host: a
candidate is refused unless sshd takes it, listens where the firewall lets operators in, and would let in the
very user that converges. Sessions under way outlive the reload.
"""

import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from roles.lib.changes import ServiceChange
from roles.lib.converge import APPLIED, STAMPS, converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.observed import ONHOST, forget, observe
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.lib.telling import tell

NAME, UNIT = "ssh", "ssh.service"
SETTINGS = "/etc/ssh/sshd_config.d/00-twinmx.conf"
GREETS = """python3 -c 'import socket; s = socket.create_connection(("127.0.0.1", {port}), 3)
assert s.recv(4) == b"SSH-"'"""


def render_files(site: Site) -> list[Managed]:
    """The settings, where there are any."""
    ssh = site.exchange.access.ssh
    return [ManagedFile(SETTINGS, render("ssh/twinmx.conf.j2", ssh=ssh))] if ssh else []


@operation()
def _given_back() -> Generator[StringCommand, None, None]:
    """Where sshd once ran with settings of ours, have it run without."""
    if NAME not in observe().stamps:
        return
    tell(ServiceChange(name=NAME, action="reload", units=(UNIT,), reasons=("access.ssh is gone",)))
    yield StringCommand(f"systemctl reload {UNIT} && rm -f {STAMPS}/{NAME} {APPLIED}/{NAME}")
    forget()


@role("ssh")
def deploy(site: Site) -> None:
    """Have sshd run with them, or without any of ours."""
    files = render_files(site)
    port = site.exchange.access.ssh_port
    program = shlex.quote((ONHOST / "ssh_check.py").read_text(encoding="utf-8"))
    checked_files(
        NAME,
        files,
        check=f"python3 -c {program} {port} {SETTINGS}",
        roots=["/etc/ssh"],
        absent=[] if files else [SETTINGS],
    )
    if files:
        converged_service(UNIT, inputs=files, healthy=GREETS.format(port=port), reload=True)
    else:
        _given_back(name="ssh: given back")
