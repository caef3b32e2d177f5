"""What waits in both of Postfix's queues, for how long and why, and how long deliveries take, as metrics.

Port: 20460 on the peer link. Monitors and the failover agent read it, `mxctl queue` and `mxctl requeue` its
settings; no mail depends on it. In August 2020 mail waited for hours before somebody looked at a queue.
"""

from roles.aliases import SNAPSHOT
from roles.lib import ports
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.release import CURRENT, current_link

SETTINGS = "/etc/twinmx/queues.toml"
SERVICE = "queues.service"
UNIT = f"/etc/systemd/system/{SERVICE}"
PROGRAM = f"{CURRENT}/bin/twinmx-queues"
WORKER = 1  # there is one on a host
READ_SECONDS = 60


def render_files(site: Site) -> list[Managed]:
    """Settings and unit."""
    own = site.exchange.canary_aliases.values()
    settings = render(
        "queues/queues.toml.j2",
        exchange=site.exchange,
        me=site.me,
        read_seconds=READ_SECONDS,
        ignore=sorted({address for alias in own for address in (alias.address, *alias.mailboxes)}),
        snapshot=SNAPSHOT,
        metrics_base=ports.QUEUES_METRICS - WORKER,
    )
    return [
        ManagedFile(SETTINGS, settings),
        ManagedFile(UNIT, render("queues/queues.service.j2", program=PROGRAM, worker=WORKER)),
    ]


@role("queues")
def deploy(site: Site) -> None:
    """Have the program run on these settings and the current release."""
    files = render_files(site)
    checked_files("queues", files, check=f"{PROGRAM} --settings $CANDIDATE{SETTINGS} --check")
    health = f"http://{site.me.peer}:{ports.QUEUES_METRICS}/healthz"
    converged_service(
        SERVICE,
        inputs=[*files, current_link()],
        healthy=f"curl --silent --fail --max-time 2 {health}",
    )
