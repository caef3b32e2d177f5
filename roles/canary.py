"""The canary: mail of our own through each exchanger, the whole way, every few seconds.

Ports: 20387 on the peer link (SMTP, where its messages end, from every exchanger's postfix-out), 20461 on the
peer link (metrics, and /state for the failover agent). In both incidents processes ran while mail stood, and
nobody saw: here a host sends itself a letter through every exchanger, and times it. Roles that know its
aliases: aliases (they are in every snapshot), gate and forwarder (they count for nobody), postfix (exchangers
alone may send to them, and where they lead). An exchanger that the inventory has drained is not tried.
"""

from roles.forwarder import SRS_KEYS, keys_file
from roles.lib import ports
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.release import CURRENT, current_link

SETTINGS = "/etc/twinmx/canary.toml"
UNIT = "canary.service"
PROGRAM = f"{CURRENT}/bin/twinmx-canary"
WORKER = 1  # there is one on a host


def render_files(site: Site) -> list[Managed]:
    """Settings and unit."""
    exchange = site.exchange
    settings = render(
        "canary/canary.toml.j2",
        exchange=exchange,
        name=site.name,
        me=site.me,
        alias=exchange.canary_aliases[site.name],
        tried={name: host.peer for name, host in exchange.exchangers.items() if host.active},
        listen_port=ports.CANARY_SMTP,
        metrics_base=ports.CANARY_METRICS - WORKER,
    )
    unit = render("canary/canary.service.j2", program=PROGRAM, worker=WORKER, keys=SRS_KEYS)
    return [ManagedFile(SETTINGS, settings), ManagedFile(f"/etc/systemd/system/{UNIT}", unit)]


@role("canary")
def deploy(site: Site) -> None:
    """Run it on the current release."""
    files = render_files(site)
    checked_files("canary", files, check=f"{PROGRAM} --settings $CANDIDATE{SETTINGS} --check")
    converged_service(
        UNIT,
        inputs=[*files, keys_file(site), current_link()],
        healthy=f"curl --silent --fail --max-time 2 http://{site.me.peer}:{ports.CANARY_METRICS}/healthz",
    )
