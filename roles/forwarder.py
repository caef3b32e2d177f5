"""The forwarder: N independent workers on one port between the two Postfix instances.

Ports: 20381 on loopback and on the peer link (SMTP, from Postfix here and on the other exchangers), 20382
on loopback (socketmap: are rewritten senders ours?), 20401… on the peer link (metrics of worker 1…).
In August 2020 the one mail handler was down although it was set to restart: here there are several, each
with a watchdog and without a limit on restarts, and Postfix goes on to the peer's while all are away.
"""

from roles import rspamd
from roles.aliases import SNAPSHOT
from roles.lib import ports
from roles.lib.converge import converged
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.release import CURRENT, current_link

SETTINGS = "/etc/twinmx/forwarder.toml"
SRS_KEYS = "/etc/twinmx/credentials/srs-keys"
UNITS = "/etc/systemd/system"

# One worker after the other, so that the port is always served; then those that are too many go.
RESTART = """systemctl daemon-reload
systemctl enable -q forwarder.target
for n in $(seq {workers}); do systemctl restart forwarder@$n.service; done
systemctl start forwarder.target
systemctl list-units --all --plain --no-legend 'forwarder@*.service' | while read -r unit rest; do
  n=${{unit#forwarder@}}; n=${{n%.service}}
  [ "$n" -le {workers} ] || systemctl stop "$unit"
done"""

HEALTHY = """for n in $(seq {workers}); do
  curl --silent --fail --max-time 2 http://{address}:$(({base} + n))/healthz || exit 1
done"""


def render_files(site: Site) -> list[Managed]:
    """Settings, keys and units."""
    exchange = site.exchange
    settings = render(
        "forwarder/forwarder.toml.j2",
        exchange=exchange,
        me=site.me,
        peers=site.peers,
        port=ports.FORWARDER,
        out_port=ports.OUT,
        socketmap_port=ports.SOCKETMAP,
        metrics_base=ports.METRICS_BASE,
        snapshot=SNAPSHOT,
        rspamd_socket=rspamd.SCAN_SOCKET,
        spamd_port=ports.SPAMD,
    )
    keys = "".join(f"{key.get_secret_value()}\n" for key in site.secrets.srs_keys)
    unit = render("forwarder/forwarder@.service.j2", program=f"{CURRENT}/bin/twinmx-forwarder", keys=SRS_KEYS)
    return [
        ManagedFile(SETTINGS, settings),
        ManagedFile(SRS_KEYS, keys, mode="0400", secret=True),
        ManagedFile(f"{UNITS}/forwarder@.service", unit),
        ManagedFile(
            f"{UNITS}/forwarder.target",
            render("forwarder/forwarder.target.j2", workers=exchange.forwarder.workers),
        ),
    ]


@role("forwarder")
def deploy(site: Site) -> None:
    """Run exactly as many workers as the inventory says, all on the current release."""
    files = render_files(site)
    checked_files(
        "forwarder", files, check=f"{CURRENT}/bin/twinmx-forwarder --settings $CANDIDATE{SETTINGS} --check"
    )
    workers = site.exchange.forwarder.workers
    converged(
        "forwarder",
        apply=RESTART.format(workers=workers),
        healthy=HEALTHY.format(workers=workers, address=site.me.peer, base=ports.METRICS_BASE),
        inputs=[*files, current_link()],
        units=[f"forwarder@{number}.service" for number in range(1, workers + 1)],
        at_boot=["forwarder.target"],
    )
