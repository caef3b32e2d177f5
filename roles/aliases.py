"""The alias snapshot: the local files in which Postfix and the forwarder look aliases up.

Ports: 20471 on the peer link (metrics of the follower), where the aliases come from a database; none
where they come from the inventory. Postfix and the forwarder depend on it. The aliases of the inventory
are shipped as sorted JSON lines, and the host builds the snapshot from them beside the old one and renames
it, so a lookup sees the old file or the new one and never half of either. Those of a database are
followed by a program of ours: a dead or slow database makes the snapshot older, and nothing else.
"""

from pathlib import Path

from inventory.load import InventoryError
from roles.lib import ports
from roles.lib.converge import converged
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.release import CURRENT, current_link
from twinmx.aliases.hostformat import dump_aliases
from twinmx.aliases.inventory import load_aliases
from twinmx.aliases.snapshot import delta_of

SOURCE = "/etc/twinmx/aliases.jsonl"
SNAPSHOT = "/var/lib/twinmx/aliases/aliases.lmdb"
DELTA = delta_of(Path(SNAPSHOT))
PROGRAM = f"{CURRENT}/bin/twinmx-aliases"
SETTINGS = "/etc/twinmx/aliases.toml"
PASSWORDS = "/etc/twinmx/credentials/database"
AUTHORITY = "/etc/twinmx/tls/database-ca.pem"
FOLLOWER = "twinmx-aliases.service"
UNIT = f"/etc/systemd/system/{FOLLOWER}"
AT_BOOT = f"/etc/systemd/system/multi-user.target.wants/{FOLLOWER}"
FIRST_PULL_SECONDS = 180  # a million aliases on two cores, and a database that is busy

FOLLOW = f"""systemctl daemon-reload
systemctl enable -q {FOLLOWER}
systemctl restart {FOLLOWER}"""

# a follower without its unit file still runs, and would put its own snapshot over this one
BUILD = f"""systemctl stop {FOLLOWER} 2>/dev/null || true
systemctl daemon-reload
setpriv --reuid twinmx --regid twinmx --clear-groups {PROGRAM} build {SOURCE} {SNAPSHOT}"""


def render_source(site: Site) -> ManagedFile:
    """The aliases of the inventory and the canary's, as the host reads them."""
    aliases = load_aliases(Path(site.exchange.aliases_file), site.exchange.domains)
    own = site.exchange.canary_aliases.values()
    return ManagedFile(SOURCE, dump_aliases([*aliases, *own]), mode="0640", group="twinmx")


def render_follower(site: Site) -> list[Managed]:
    """Settings, passwords, authority and unit of the follower."""
    database = site.database
    settings = render(
        "aliases/aliases.toml.j2",
        exchange=site.exchange,
        me=site.me,
        database=database,
        authority=AUTHORITY,
        snapshot=SNAPSHOT,
        metrics_base=ports.ALIASES_METRICS_BASE,
    )
    unit = render(
        "aliases/twinmx-aliases.service.j2",
        program=PROGRAM,
        passwords=PASSWORDS,
        directory=Path(SNAPSHOT).parent,
    )
    passwords = "".join(f"{one.get_secret_value()}\n" for one in site.secrets.database_passwords)
    return [
        ManagedFile(SETTINGS, settings),
        ManagedFile(PASSWORDS, passwords, mode="0400", secret=True),
        ManagedFile(AUTHORITY, _authority(database.authority)),
        ManagedFile(UNIT, unit),
    ]


def _authority(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise InventoryError(f"database.authority: {file}: {error.strerror}") from None


@role("aliases")
def deploy(site: Site) -> None:
    """Have the snapshot, from the source that the inventory names."""
    if site.exchange.followed:
        _follow(site)
    else:
        _build(site)


def _follow(site: Site) -> None:
    files = render_follower(site)
    trial = f"{PROGRAM} follow --settings $CANDIDATE{SETTINGS} --check"
    checked_files("aliases", files, check=trial, absent=[SOURCE])
    health = f"http://{site.me.peer}:{ports.ALIASES_METRICS_BASE + 1}/healthz"
    converged(
        "aliases",
        apply=FOLLOW,
        healthy=f"systemctl is-active -q {FOLLOWER} && curl --silent --fail --max-time 2 {health}",
        inputs=[*files, current_link()],
        units=[FOLLOWER],
        at_boot=[FOLLOWER],
        seconds=FIRST_PULL_SECONDS,
    )


def _build(site: Site) -> None:
    source = [render_source(site)]
    trial = f"{PROGRAM} build $CANDIDATE{SOURCE} $CANDIDATE/trial.lmdb"
    checked_files("aliases", source, check=trial, absent=[UNIT, AT_BOOT, SETTINGS, PASSWORDS, AUTHORITY])
    converged(
        "aliases",
        apply=BUILD,
        healthy=f"test -s {SNAPSHOT} && test -s {DELTA}",
        inputs=[*source, current_link()],  # a new release may write another format
    )
