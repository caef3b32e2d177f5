"""How TLS with receivers went, told to those who ask for it in DNS (RFC 8460): sys4's tlsrpt-reporter.

Ports: none; one unix socket, on which postfix-out tells of each TLS session and waits for nobody. Reports go
out by postfix-out's port for what this host makes itself, signed, or by HTTPS. Only where `tls.reports.send`
says so. Each exchanger reports its own sessions (docs/adr/0025). No mail depends on any of it.
"""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from roles import delivery
from roles.lib import ports
from roles.lib.changes import ServiceChange
from roles.lib.converge import APPLIED, STAMPS, converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.observed import forget, observe
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.lib.telling import tell
from roles.release import CURRENT, current_link

PACKAGES = ("curl", "ca-certificates", "postfix")  # the last for its group, which opens the socket
PROGRAM = f"{CURRENT}/bin/twinmx-tlsrpt"
SETTINGS = "/etc/twinmx/tlsrpt.cfg"
COLLECTS, REPORTS = "tlsrpt-collectd.service", "tlsrpt-reportd.service"
UNIT_FILES = {unit: f"/etc/systemd/system/{unit}" for unit in (COLLECTS, REPORTS)}
USER = "tlsrpt"
"""Both run as it; systemd makes it up (DynamicUser)."""

STATE = "/var/lib/tlsrpt"
SOCKET = "/run/tlsrpt/collectd.sock"
REPORTED = f"{STATE}/reportd.sqlite"
END = """systemctl stop {units} 2>/dev/null || true
cd /etc/systemd/system/multi-user.target.wants && rm -f {units} && systemctl daemon-reload &&
rm -rf /var/lib/private/tlsrpt {state} && rm -f {stamps}"""

LONGEST_SECONDS = 60
"""For one report to be handed on; the program that does it gives up earlier."""


def render_files(site: Site) -> list[Managed]:
    """Settings of all three programs in one file, and two units; none where nothing is reported."""
    exchange = site.exchange
    if not exchange.tls.reports.send:
        return []
    settings = render(
        "tlsrpt/tlsrpt.cfg.j2",
        organization=exchange.tls.reports.organization or exchange.domains[0],
        contact=exchange.tls_contact,
        name=site.name,
        program=PROGRAM,
        port=ports.OUT_OWN,
        authorities=delivery.authorities(site),
        socket=SOCKET,
        state=STATE,
        reported=REPORTED,
        seconds=LONGEST_SECONDS,
    )
    units = [
        ManagedFile(path, render(f"tlsrpt/{unit}.j2", current=CURRENT, settings=SETTINGS, user=USER))
        for unit, path in UNIT_FILES.items()
    ]
    return [ManagedFile(SETTINGS, settings), *units]


@operation()
def _ended() -> Generator[StringCommand, None, None]:
    """Stop what ran while reports were wanted, and remove what it had collected."""
    names = [unit.removesuffix(".service") for unit in UNIT_FILES]
    if not observe().stamps.keys() & set(names):
        return
    reason = "tls.reports.send is off"
    tell(ServiceChange(name="tlsrpt", action="apply", units=tuple(UNIT_FILES), reasons=(reason,)))
    stamps = " ".join(f"{place}/{name}" for place in (STAMPS, APPLIED) for name in names)
    yield StringCommand(END.format(units=" ".join(UNIT_FILES), state=STATE, stamps=stamps))
    forget()


@role("tlsrpt")
def deploy(site: Site) -> None:
    """Collect and report, or neither."""
    files = render_files(site)
    if not files:
        checked_files("tlsrpt", [], absent=[SETTINGS, *UNIT_FILES.values()])
        _ended(name="tlsrpt: ended")
        return
    packages("tlsrpt", PACKAGES)
    checked_files("tlsrpt", files)
    settings, collects, reports = files
    inputs = [settings, collects, current_link()]
    converged_service(COLLECTS, inputs=inputs, healthy=f"test -S {SOCKET}")
    inputs = [settings, reports, current_link()]
    converged_service(REPORTS, inputs=inputs, healthy=f"test -s {REPORTED}")
