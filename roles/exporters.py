"""Exporters: figures of the host, of port 25, of Valkey, Rspamd and the resolver, for Prometheus.

Ports: on the peer link 20463 (node exporter), 20465 (redis exporter), 20469 (Rspamd and the resolver, by a
program of ours); 20464 on loopback (blackbox exporter). Each host's Prometheus reads those of all hosts; mail
depends on none. Packaged ones wherever they can read what there is: docs/adr/0016.
"""

import json

from roles import rspamd, valkey
from roles.lib import ports
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.release import CURRENT, current_link

NODE, BLACKBOX, REDIS = (f"prometheus-{name}-exporter" for name in ("node", "blackbox", "redis"))
PACKAGES = (NODE, BLACKBOX, REDIS, "curl")
UNITS = "/etc/systemd/system"
BLACKBOX_MODULES = "/etc/prometheus/blackbox.yml"
PASSWORD = "/etc/twinmx/credentials/valkey-exporter"  # noqa: S105 (a path)
VITALS, VITALS_SETTINGS = "vitals.service", "/etc/twinmx/vitals.toml"
PROGRAM = f"{CURRENT}/bin/twinmx-vitals"

COLLECTORS = (
    *("cpu", "diskstats", "filefd", "filesystem", "loadavg", "meminfo", "netdev", "netstat", "pressure"),
    *("sockstat", "stat", "textfile", "time", "timex", "uname", "vmstat"),
)
FIGURES = "/var/lib/twinmx/drift"
"""What programs that run for a moment have counted, for the textfile collector."""

CHECK = f"""prometheus-blackbox-exporter --config.check --config.file=$CANDIDATE{BLACKBOX_MODULES} &&
{PROGRAM} --settings $CANDIDATE{VITALS_SETTINGS} --check"""


def drop_in(unit: str, content: str) -> ManagedFile:
    """What we add to a packaged unit."""
    return ManagedFile(f"{UNITS}/{unit}.service.d/twinmx.conf", content)


def probe_seconds(site: Site) -> float:
    """How long a probe may take: less than Prometheus waits for it, so that its answer says what was slow."""
    return site.exchange.monitors.scrape_seconds * 0.8


def node_files(site: Site) -> list[Managed]:
    """The node exporter's flags and unit."""
    flags = render(
        "exporters/node.j2",
        address=site.me.peer,
        port=ports.NODE_METRICS,
        collectors=COLLECTORS,
        figures=FIGURES,
    )
    return [
        ManagedFile(f"/etc/default/{NODE}", flags),
        drop_in(NODE, render("exporters/node.conf.j2", memory=128)),
    ]


def blackbox_files(site: Site) -> list[Managed]:
    """The prober's modules, flags and unit."""
    modules = render("exporters/blackbox.yml.j2", me=site.me, seconds=probe_seconds(site))
    return [
        ManagedFile(BLACKBOX_MODULES, modules),
        ManagedFile(f"/etc/default/{BLACKBOX}", render("exporters/blackbox.j2", port=ports.BLACKBOX)),
        drop_in(BLACKBOX, render("lib/packaged.conf.j2", memory=128)),
    ]


def redis_files(site: Site) -> list[Managed]:
    """The redis exporter's flags, password and unit; it reads the Valkey of its own host."""
    user, socket = valkey.EXPORTER, valkey.SOCKET
    flags = render(
        "exporters/redis.j2", address=site.me.peer, port=ports.VALKEY_METRICS, user=user, socket=socket
    )
    passwords = json.dumps({f"unix://{user}@{socket}": valkey.exporter_password(site.secrets)})
    return [
        ManagedFile(f"/etc/default/{REDIS}", flags),
        ManagedFile(PASSWORD, f"{passwords}\n", mode="0400", secret=True),
        drop_in(REDIS, render("exporters/redis.conf.j2", memory=128, password=PASSWORD)),
    ]


def vitals_files(site: Site) -> list[Managed]:
    """Settings and unit of our own."""
    settings = render(
        "exporters/vitals.toml.j2",
        exchange=site.exchange,
        me=site.me,
        socket=rspamd.CONTROLLER_SOCKET,
        metrics_base=ports.RSPAMD_METRICS - 1,
    )
    unit = render("exporters/vitals.service.j2", program=PROGRAM)
    return [ManagedFile(VITALS_SETTINGS, settings), ManagedFile(f"{UNITS}/{VITALS}", unit)]


def render_files(site: Site) -> list[Managed]:
    """The files of all of them."""
    return [*node_files(site), *blackbox_files(site), *redis_files(site), *vitals_files(site)]


def healthy(address: object, port: int, path: str = "metrics") -> str:
    """The command that succeeds when something answers there."""
    return f"curl --silent --fail --output /dev/null --max-time 2 http://{address}:{port}/{path}"


@role("exporters")
def deploy(site: Site) -> None:
    """Run them all on this host."""
    packages("exporters", PACKAGES)
    checked_files("exporters", render_files(site), check=CHECK)
    peer = site.me.peer
    converged_service(
        f"{NODE}.service",
        inputs=node_files(site),
        healthy=healthy(peer, ports.NODE_METRICS),
        packages=(NODE,),
    )
    converged_service(
        f"{BLACKBOX}.service",
        inputs=blackbox_files(site),
        healthy=healthy("127.0.0.1", ports.BLACKBOX),
        packages=(BLACKBOX,),
    )
    converged_service(
        f"{REDIS}.service",
        inputs=redis_files(site),
        healthy=healthy(peer, ports.VALKEY_METRICS),
        packages=(REDIS,),
    )
    converged_service(
        VITALS,
        inputs=[*vitals_files(site), current_link()],
        healthy=healthy(peer, ports.RSPAMD_METRICS, "healthz"),
    )
