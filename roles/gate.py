"""The gate: N independent workers of one milter, which decide within the SMTP session.

Ports: 20383 on loopback (the milter protocol, from the inbound Postfix), 20481… on the peer link (metrics of
worker 1…). Postfix accepts while the gate is away; the forwarder then scans. In June 2021 a flood was
answered after the queue and filled it: here it is refused before.
"""

from roles import rspamd, valkey
from roles.aliases import SNAPSHOT
from roles.forwarder import keys_file
from roles.lib import ports, workers
from roles.lib.converge import converged
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.release import CURRENT, current_link

SETTINGS = "/etc/twinmx/gate.toml"
UNITS = "/etc/systemd/system"
PROGRAM = f"{CURRENT}/bin/twinmx-gate"
SPARE_SECONDS = 15  # between the end of the last message and systemd's patience


def render_files(site: Site) -> list[Managed]:
    """Settings and units."""
    exchange = site.exchange
    settings = render(
        "gate/gate.toml.j2",
        exchange=exchange,
        me=site.me,
        port=ports.GATE,
        metrics_base=ports.GATE_METRICS_BASE,
        snapshot=SNAPSHOT,
        rspamd_socket=rspamd.SCAN_SOCKET,
        spamd_port=ports.SPAMD,
        valkey=valkey.seen_by(site),
    )
    unit = render(
        "gate/gate@.service.j2",
        program=PROGRAM,
        keys=keys_file(site).path,
        password=valkey.PASSWORD,
        stop_seconds=exchange.deadlines.milter_seconds + SPARE_SECONDS,
    )
    target = render("gate/gate.target.j2", workers=exchange.gate.workers)
    return [
        ManagedFile(SETTINGS, settings),
        ManagedFile(f"{UNITS}/gate@.service", unit),
        ManagedFile(f"{UNITS}/gate.target", target),
    ]


def read_files(site: Site) -> list[Managed]:
    """What other roles put in place and a worker reads as it starts."""
    counters = [file for file in valkey.render_files(site) if file.path in (valkey.PASSWORD, valkey.PINNED)]
    return [keys_file(site), *counters]


@role("gate")
def deploy(site: Site) -> None:
    """Run exactly as many workers as the inventory says, all on the current release."""
    files = render_files(site)
    checked_files("gate", files, check=f"{PROGRAM} --settings $CANDIDATE{SETTINGS} --check")
    number = site.exchange.gate.workers
    converged(
        "gate",
        apply=workers.restart("gate", number),
        healthy=workers.healthy(number, site.me.peer, ports.GATE_METRICS_BASE),
        inputs=[*files, *read_files(site), current_link()],
        units=workers.units("gate", number),
        at_boot=["gate.target"],
    )
