"""What postfix-out asks about a receiver's TLS: DANE first, then MTA-STS.

Ports: on loopback 20389 (twinmx-dane) and 20390 (postfix-mta-sts-resolver, of Debian). Postfix speaks DANE by
itself, but an MTA-STS policy that it is told would replace it, so it asks for DANE first (docs/adr/0023).
While one of the two is away, mail to domains waits in the queue: who insists on TLS must not be sent mail
without it.
"""

from pathlib import Path

from inventory.load import InventoryError
from roles.lib import ports
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.release import CURRENT, current_link

PACKAGES = ("postfix-mta-sts-resolver", "ca-certificates", "python3")
SETTINGS = "/etc/twinmx/dane.toml"
PROGRAM = f"{CURRENT}/bin/twinmx-dane"
DANE_UNIT = "dane.service"
STS_UNIT = "postfix-mta-sts-resolver.service"
STS_SETTINGS = "/etc/mta-sts-daemon.yml"
WORKER = 1  # there is one on a host
LONGEST_SECONDS = 4
"""How long either waits for an answer of others, in seconds."""

PACKAGED_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
OWN_AUTHORITIES = "/etc/twinmx/tls/authorities.pem"

# a question that both answer at once, since an address has no policy: "9:NOTFOUND ,"
ANSWERS = """python3 -c '
import socket
asked = socket.create_connection(("127.0.0.1", {port}), 3)
asked.sendall(b"{question}")
assert b"NOTFOUND" in asked.recv(64)'"""


def _health(port: int, table: str) -> str:
    text = f"{table} [192.0.2.1]"
    return ANSWERS.format(port=port, question=f"{len(text)}:{text},")


def authorities(site: Site) -> str:
    """The file, on the host, of those who may have signed what MTA-STS asks for."""
    return OWN_AUTHORITIES if site.exchange.tls.authorities else PACKAGED_AUTHORITIES


def _authorities(site: Site) -> list[Managed]:
    path = site.exchange.tls.authorities
    if path is None:
        return []
    try:
        return [ManagedFile(OWN_AUTHORITIES, Path(path).read_bytes())]
    except OSError as error:
        raise InventoryError(f"tls.authorities: {path}: {error.strerror}; allowed: a PEM file") from None


def render_dane() -> list[Managed]:
    """Settings and unit of twinmx-dane."""
    settings = render("delivery/dane.toml.j2", port=ports.DANE, seconds=LONGEST_SECONDS)
    unit = render("delivery/dane.service.j2", program=PROGRAM, worker=WORKER)
    return [ManagedFile(SETTINGS, settings), ManagedFile(f"/etc/systemd/system/{DANE_UNIT}", unit)]


def render_sts(site: Site) -> list[Managed]:
    """Settings of the MTA-STS resolver, the drop-in of its unit, and whom it and Postfix trust."""
    own = OWN_AUTHORITIES if site.exchange.tls.authorities else None
    settings = render("delivery/mta-sts-daemon.yml.j2", port=ports.STS, seconds=LONGEST_SECONDS)
    unit = render("delivery/mta-sts.unit.conf.j2", authorities=own)
    return [
        ManagedFile(STS_SETTINGS, settings),
        ManagedFile(f"/etc/systemd/system/{STS_UNIT}.d/twinmx.conf", unit),
        *_authorities(site),
    ]


@role("delivery")
def deploy(site: Site) -> None:
    """Run both, before postfix-out asks them."""
    packages("delivery", PACKAGES)
    dane, sts = render_dane(), render_sts(site)
    absent = [] if site.exchange.tls.authorities else [OWN_AUTHORITIES]
    check = f"{PROGRAM} --settings $CANDIDATE{SETTINGS} --check"
    checked_files("delivery", [*dane, *sts], check=check, absent=absent)
    healthy = _health(ports.DANE, "dane")
    converged_service(DANE_UNIT, inputs=[*dane, current_link()], healthy=healthy)
    healthy = _health(ports.STS, "postfix")
    converged_service(STS_UNIT, inputs=sts, healthy=healthy, packages=PACKAGES)
