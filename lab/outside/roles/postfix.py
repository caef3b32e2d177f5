"""Postfix as everybody else's mail server: the sender of the lab's messages, and the mailbox provider.

It takes mail from the controller on port 2500 and routes it by MX as any sender would, and on one further
port for each exchanger, from which everything goes through that exchanger whatever DNS says. Mail for the
mailbox domains ends in a Maildir per domain, any local part; the recipient is in Delivered-To.
"""

import shlex
from pathlib import Path

from pyinfra.api.deploy import deploy

from lab import pki
from lab.hosts import SINKS
from lab.outside.render import render
from lab.settings import (
    CONTROLLER,
    HOSTS,
    OUTSIDE,
    RECEIVERS,
    SENDER_DOMAIN,
    SINK_DOMAINS,
    SUBMISSION_PORT,
)
from roles.lib.converge import converged, converged_service
from roles.lib.files import checked_files
from roles.lib.managed import ManagedFile
from roles.lib.packages import packages

PACKAGES = ["postfix", "python3"]
SINK_USER = "sinks"
SINK_ID = 2000
MESSAGE_BYTES = 41_943_040  # 30 MB of attachments are 40 MB in base64
DIRECTORY = "/etc/postfix"


def _tls_file(name: str) -> str:
    return (Path(pki.DIRECTORY) / name).read_text()


def render_files() -> list[ManagedFile]:
    """main.cf, master.cf, and the certificate that is shown to whoever connects."""
    main = render(
        "postfix/main.cf.j2",
        hostname=OUTSIDE.fqdn,
        origin=SENDER_DOMAIN,
        controller=str(CONTROLLER),
        message_bytes=MESSAGE_BYTES,
        domains=(*SINK_DOMAINS, *(receiver.domain for receiver in RECEIVERS)),
        sinks=SINKS,
        sink_id=SINK_ID,
        directory=DIRECTORY,
    )
    routes = [(host.route_port, str(host.address)) for host in HOSTS if host.route_port]
    master = render("postfix/master.cf.j2", submission_port=SUBMISSION_PORT, routes=routes)
    chain = _tls_file(f"{OUTSIDE.fqdn}.key") + _tls_file(f"{OUTSIDE.fqdn}.pem")
    return [
        ManagedFile(f"{DIRECTORY}/main.cf", main),
        ManagedFile(f"{DIRECTORY}/master.cf", master),
        ManagedFile(f"{DIRECTORY}/tls/authority.pem", _tls_file("ca.pem")),
        ManagedFile(f"{DIRECTORY}/tls/chain.pem", chain, mode="0400", secret=True),
    ]


def _sinks() -> list[ManagedFile]:
    user = f"u {SINK_USER} {SINK_ID} - {SINKS}\n"
    directories = [f"d {SINKS} 0755 {SINK_USER} {SINK_USER}\n"]
    return [
        ManagedFile("/etc/sysusers.d/sinks.conf", user),
        ManagedFile("/etc/tmpfiles.d/sinks.conf", "".join(directories)),
    ]


@deploy("Postfix outside")
def postfix() -> None:
    """Install and converge Postfix; ready when it greets on the submission port."""
    packages("postfix", PACKAGES)
    sinks = _sinks()
    checked_files("sinks", sinks)
    converged(
        "sinks",
        apply="systemd-sysusers /etc/sysusers.d/sinks.conf"
        " && systemd-tmpfiles --create /etc/tmpfiles.d/sinks.conf",
        inputs=sinks,
    )
    files = render_files()
    checked_files("postfix", files, check="postfix check", roots=[DIRECTORY])
    session = f'import smtplib; smtplib.SMTP("127.0.0.1", {SUBMISSION_PORT}, timeout=2).quit()'
    greeting = f"python3 -c {shlex.quote(session)}"
    converged_service("postfix.service", inputs=files, healthy=greeting, packages=["postfix"])
