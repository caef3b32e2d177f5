"""Drift: a manifest of all that the roles have put in place, and a timer that compares the host with it.

Ports: none; the node exporter serves the figures. It comes last, for it collects what the other roles want.
Why on the host: it goes on comparing while nobody converges, and what a secret is does not leave it. The
controller compares the manifest with the inventory (`twinmx drift`), so nobody gains by changing it.
"""

from roles import exporters
from roles.lib import effective
from roles.lib.converge import converged
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.lib.sockets import IGNORED, sockets
from roles.lib.wanted import Wanted, wanted
from roles.release import CURRENT, current_link
from twinmx.drift.finding import Kind
from twinmx.drift.manifest import MANIFEST, Firewall, Manifest, Place, Unit

PROGRAM = f"{CURRENT}/bin/twinmx-drift"
SERVICE, TIMER = "drift.service", "drift.timer"
UNITS = "/etc/systemd/system"
FIGURES = f"{exporters.FIGURES}/drift.prom"

PLACES: dict[Kind, tuple[str, ...]] = {
    "unit": (UNITS, "/etc/systemd/system.control", "/usr/local/lib/systemd/system"),
    "cron": (
        *(f"/etc/cron.{often}" for often in ("d", "hourly", "daily", "weekly", "monthly", "yearly")),
        *("/etc/crontab", "/etc/anacrontab", "/var/spool/cron/crontabs"),
    ),
    "login": ("/etc/sudoers", "/etc/sudoers.d"),
    "unmanaged": (
        *("/etc/twinmx", "/etc/postfix", "/etc/postfix-out", "/etc/rspamd", "/etc/rspamd-signing"),
        *("/etc/spamassassin", "/etc/valkey", "/etc/prometheus", "/etc/nftables.d"),
        *("/etc/nginx/conf.d", "/etc/unbound/unbound.conf.d"),
        *("/etc/sysctl.d", "/etc/sysusers.d", "/etc/tmpfiles.d", "/etc/ld.so.preload"),
    ),
}
GENERATED = ("/etc/postfix/dynamicmaps.cf", "/etc/postfix/dynamicmaps.cf.d/*", "*.dpkg-dist")
"""What packages write as they are installed, and do not list.

The last is dpkg(1)'s copy of what it did not put in the place of a role's file; no program reads that name.
"""

AT_BOOT = ("systemd-timesyncd.service", "unattended-upgrades.service")
"""Units that base starts and does not watch: in a container the first one rests."""

APPLY = f"""systemctl daemon-reload
systemctl enable -q {TIMER}
systemctl restart {TIMER}
systemctl start --no-block {SERVICE}"""


def manifest(site: Site, of: Wanted) -> Manifest:
    """All that is compared on this host."""
    exchange, files = site.exchange, of.files.values()
    postfix = effective.postfix(files)
    directories = effective.directories(files)
    at_boot = {*of.at_boot, *AT_BOOT}
    return Manifest(
        files={path: file.state for path, file in sorted(of.files.items())} | directories,
        absent=sorted(of.absent),
        packages=dict(sorted(of.packages.items())),
        units={
            unit: Unit(active=unit in of.active, at_boot=unit in at_boot)
            for unit in sorted({*of.active, *at_boot})
        },
        sockets=sockets(site, of.active, postfix),
        ignored=list(IGNORED),
        postfix=postfix,
        rspamd=effective.rspamd(files),
        kernel=effective.kernel(files),
        firewall=Firewall(file="/etc/nftables.conf", table="inet twinmx"),
        places=[Place(path=path, kind=kind) for kind, paths in PLACES.items() for path in paths],
        generated=list(GENERATED),
        logins=list(exchange.drift.ssh_keys) or None,
        release=CURRENT,
        allowed=list(exchange.drift.allowed),
    )


def render_units(site: Site) -> list[Managed]:
    """The service that compares once, and its timer."""
    service = render("drift/drift.service.j2", program=PROGRAM, figures=FIGURES)
    timer = render("drift/drift.timer.j2", minutes=site.exchange.drift.minutes)
    return [ManagedFile(f"{UNITS}/{SERVICE}", service), ManagedFile(f"{UNITS}/{TIMER}", timer)]


def render_manifest(site: Site, of: Wanted, units: list[Managed]) -> ManagedFile:
    """The manifest, with our own units in it. Digests of secrets are for root alone."""
    whole = Wanted(
        files=of.files | {file.path: file for file in units},
        absent=of.absent,
        packages=of.packages,
        active={*of.active, TIMER},
        at_boot={*of.at_boot, TIMER},
    )
    text = manifest(site, whole).model_dump_json(indent=1)
    return ManagedFile(str(MANIFEST), f"{text}\n", mode="0400", secret=True)


@role("drift")
def deploy(site: Site) -> None:
    """Leave the manifest, and compare from now on."""
    units = render_units(site)
    files = [*units, render_manifest(site, wanted(), units)]
    checked_files("drift", files, check=f"{PROGRAM} --manifest $CANDIDATE{MANIFEST} --check")
    converged("drift", apply=APPLY, inputs=[*files, current_link()], units=[TIMER], at_boot=[TIMER])
