"""The ground every other role stands on: the host checked, named, on time, and with bounded logs.

Ports: none. Everything depends on it. The preflight comes first and changes nothing: a host that cannot
become an exchanger is told why, and what to do, before a package is installed on it.
"""

import shlex
from collections.abc import Generator
from ipaddress import ip_address

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation

from inventory.access import Access
from roles.exporters import FIGURES
from roles.lib.changes import Obstacle
from roles.lib.converge import converged
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.observed import Observed, announce, observe
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.lib.telling import tell

UPGRADE = "/etc/systemd/system/apt-daily-upgrade"
TURN = "/usr/local/sbin/twinmx-upgrade-turn"
MARK = "/run/twinmx-upgrade"  # while this host is drained for an upgrade
UPGRADED = f"{FIGURES}/upgrades.prom"
MINUTES_A_DAY = 24 * 60
MINUTES_BETWEEN = 120
"""Between two exchangers' upgrades, each of them drained for at most half of it."""

PACKAGES = ("ca-certificates", "iproute2", "systemd-timesyncd", "unattended-upgrades")
LEAST_FREE_MEGABYTES = 2_000
POSTFIX = "postfix.service"


def shut_out(connection: str, access: Access) -> str:
    """Why whoever converges would be kept out by our packet filter from then on; empty where they are not.

    connection: SSH_CONNECTION of their session (sshd(8)), as the host sees it; empty where it is not known.
    """
    if not connection:
        return ""
    client, _, _, port = connection.split()
    if int(port) != access.ssh_port:
        return f"its sshd listens on port {port}, and access.ssh_port is {access.ssh_port}: set it to {port}"
    address = ip_address(client)
    if address.is_loopback or any(address in network for network in access.ssh_from):
        return ""
    return f"you come from {client}, and access.ssh_from would drop you: add a network with that address"


def obstacles(seen: Observed, access: Access, *, takes_mail: bool = True) -> list[str]:
    """Why this host cannot become what it shall be, each with the way out; empty when it can.

    Of a host that did not answer nothing is said: pyinfra has failed it, and has said why.
    """
    found: list[str] = []
    system = seen.system
    if not system:
        return found
    postfix_runs = seen.units.get(POSTFIX, {}).get("ActiveState") == "active"
    if system["os"] != "debian 13":
        found.append(
            f"it runs {system['os']}: twinmx needs Debian 13 (trixie); reinstall or upgrade the host"
        )
    if system["init"] != "systemd":
        found.append(f"its PID 1 is {system['init']}: boot the host, or the container, with systemd")
    if system["machine"] != "x86_64":
        found.append(f"it is a {system['machine']}: the programs are built for x86_64; use an amd64 host")
    if int(system["free_megabytes"]) < LEAST_FREE_MEGABYTES:
        found.append(
            f"/var has {system['free_megabytes']} MB free: the queues need {LEAST_FREE_MEGABYTES} MB; "
            "enlarge the disk or clean up"
        )
    if takes_mail and system["port_25"] and not postfix_runs:
        found.append(
            "port 25 is taken by something that is not Postfix: find it with `ss -ltnp sport = :25`, remove "
            "that mail server (`apt-get purge exim4-base`, for one)"
        )
    if outside := shut_out(system.get("ssh", ""), access):
        found.append(outside)
    return found


@operation()
def _preflight(
    name_of_host: str, access: Access, *, takes_mail: bool
) -> Generator[StringCommand, None, None]:
    shall_be = "an exchanger" if takes_mail else "a database host"
    for obstacle in obstacles(observe(), access, takes_mail=takes_mail):
        text = f"{name_of_host} cannot become {shall_be}: {obstacle}."
        tell(Obstacle(text=text))
        yield StringCommand(f"echo {shlex.quote(text)}; exit 1")


def upgrade_time(site: Site) -> str:
    """When this host installs security updates (HH:MM): no two at once, the last in the inventory first.

    Not by preference: a primary that is swapped for a day must not move the nights of updates.
    The host of the database follows the last of them.
    """
    exchangers = site.exchange.exchangers
    first_to_last = [*reversed(exchangers)]
    position = len(first_to_last) if site.is_database else first_to_last.index(site.name)
    hour, minute = map(int, site.exchange.access.upgrades_from.split(":"))
    between = min(MINUTES_BETWEEN, MINUTES_A_DAY // len(first_to_last))
    at = (hour * 60 + minute + position * between) % MINUTES_A_DAY
    return f"{at // 60:02}:{at % 60:02}"


def render_turn(site: Site) -> list[Managed]:
    """When security updates come, and, where that matters to others, the drain around them."""
    if not site.exchange.access.upgrades:
        return []
    timer = render("base/upgrade_timer.conf.j2", at=upgrade_time(site))
    files: list[Managed] = [ManagedFile(f"{UPGRADE}.timer.d/twinmx.conf", timer)]
    if site.is_database or not site.peers or not site.me.active:
        return files  # nobody to hand over to, or nothing to hand over
    turn = render("base/upgrade-turn.j2", minutes=MINUTES_BETWEEN // 2, mark=MARK, figures=UPGRADED)
    return [
        *files,
        ManagedFile(f"{UPGRADE}.service.d/twinmx.conf", render("base/upgrade_service.conf.j2", turn=TURN)),
        ManagedFile(TURN, turn, mode="0755"),
    ]


def surplus(files: list[Managed]) -> list[str]:
    """What is left of turns that are no longer taken."""
    all_of_them = {f"{UPGRADE}.timer.d/twinmx.conf", f"{UPGRADE}.service.d/twinmx.conf", TURN}
    left = sorted(all_of_them - {file.path for file in files})
    return [*left, UPGRADED] if TURN in left else left


def render_files(site: Site) -> list[Managed]:
    """Host name, hosts file, log limits, kernel settings, security updates, the users of our programs."""
    exchange = site.exchange
    return [
        ManagedFile("/etc/hostname", f"{site.host.fqdn}\n"),
        ManagedFile(
            "/etc/hosts",
            render("base/hosts.j2", me=site.host, peers=site.peers, database=exchange.followed),
        ),
        ManagedFile("/etc/systemd/journald.conf.d/twinmx.conf", render("base/journald.conf.j2")),
        ManagedFile("/etc/sysusers.d/twinmx.conf", render("base/sysusers.conf.j2")),
        ManagedFile(
            "/etc/tmpfiles.d/twinmx.conf",
            render("base/tmpfiles.conf.j2", quarantine_days=exchange.spam.quarantine_days),
        ),
        ManagedFile(
            "/etc/apt/apt.conf.d/52twinmx-upgrades",
            render("base/upgrades.conf.j2", enabled=exchange.access.upgrades),
        ),
        ManagedFile("/etc/sysctl.d/60-twinmx.conf", render("base/sysctl.conf.j2")),
        *render_turn(site),
    ]


@role("base")
def deploy(site: Site) -> None:
    """Check the host, then give it its name, clock, log limits and users."""
    announce(units=[POSTFIX])
    _preflight(
        name_of_host=site.name,
        access=site.exchange.access,
        takes_mail=not site.is_database,
        name="preflight",
    )
    packages("base", PACKAGES)
    files = render_files(site)
    checked_files(
        "base",
        files,
        check="systemd-tmpfiles --dry-run --create twinmx.conf >/dev/null; apt-config dump >/dev/null",
        roots=["/etc"],
        absent=surplus(files),
    )
    converged(
        "base",
        apply="\n".join(
            [
                'hostnamectl set-hostname --static --transient "$(cat /etc/hostname)"',
                "systemd-sysusers",
                "systemd-tmpfiles --create twinmx.conf",
                "systemctl restart systemd-journald",
                "systemctl restart systemd-sysctl",
                "systemctl daemon-reload",
                "systemctl restart apt-daily-upgrade.timer",
                "systemctl enable --now systemd-timesyncd unattended-upgrades",
            ]
        ),
        healthy='test "$(hostname)" = "$(cat /etc/hostname)" && getent passwd twinmx',
        inputs=files,
    )
