"""Valkey: the counters of the rate limits, in memory, on a unix socket.

Ports: none (`port 0`). The gate depends on it, but mail does not: without it each program counts for
itself. Nothing is written to disk, a restart only forgets the last minute's counts.
"""

import hashlib

from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site

PACKAGES = ("valkey-server", "valkey-tools")
SOCKET = "/run/valkey/valkey.sock"

# Valkey has no "check the configuration" option: start the candidate on a socket of its own, and ask it.
TRIAL = """d=$(mktemp -d) && chown valkey $d && {
setpriv --reuid valkey --regid valkey --clear-groups valkey-server /etc/valkey/valkey.conf \
  --unixsocket $d/s --dir $d --pidfile $d/pid --daemonize no --supervised no >$d/log 2>&1 &
server=$!
for i in $(seq 50); do valkey-cli -s $d/s ping 2>&1 | grep -qE 'PONG|NOAUTH' && break; sleep 0.1; done
valkey-cli -s $d/s ping 2>&1 | grep -qE 'PONG|NOAUTH'; verdict=$?
[ $verdict = 0 ] || cat $d/log
kill $server; rm -rf $d; exit $verdict; }"""


def _owned(name: str, content: str, *, secret: bool = False) -> ManagedFile:
    return ManagedFile(f"/etc/valkey/{name}", content, mode="0640", group="valkey", secret=secret)


def render_files(site: Site) -> list[Managed]:
    """Configuration and access list; the list holds only a hash of the password."""
    password = site.secrets.valkey_password.get_secret_value()
    digest = hashlib.sha256(password.encode()).hexdigest()
    return [
        _owned("valkey.conf", render("valkey/valkey.conf.j2", socket=SOCKET)),
        _owned("users.acl", render("valkey/users.acl.j2", digest=digest), secret=True),
        ManagedFile("/etc/systemd/system/valkey-server.service.d/twinmx.conf", render("valkey/unit.conf.j2")),
    ]


@role("valkey")
def deploy(site: Site) -> None:
    """Run one private Valkey."""
    packages("valkey", PACKAGES)
    files = render_files(site)
    checked_files("valkey", files, check=TRIAL, roots=["/etc/valkey"])
    converged_service(
        "valkey-server.service",
        inputs=files,
        healthy=f"valkey-cli -s {SOCKET} ping 2>&1 | grep -qE 'PONG|NOAUTH'",
        packages=PACKAGES,
    )
