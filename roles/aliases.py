"""The alias snapshot: the one file on the host in which Postfix and the forwarder look aliases up.

Ports: none. Postfix and the forwarder depend on it. The aliases of the inventory are shipped as sorted
JSON lines; the host builds the snapshot from them beside the old one and renames it, so a lookup sees
the old file or the new one and never half of either.
"""

from pathlib import Path

from roles.lib.converge import converged
from roles.lib.files import checked_files
from roles.lib.managed import ManagedFile
from roles.lib.role import role
from roles.lib.site import Site
from roles.release import CURRENT, current_link
from twinmx.aliases.hostformat import dump_aliases
from twinmx.aliases.inventory import load_aliases

SOURCE = "/etc/twinmx/aliases.jsonl"
SNAPSHOT = "/var/lib/twinmx/aliases/aliases.lmdb"
PROGRAM = f"{CURRENT}/bin/twinmx-aliases"


def render_source(site: Site) -> ManagedFile:
    """The aliases of the inventory, as the host reads them."""
    aliases = load_aliases(Path(site.exchange.aliases_file), site.exchange.domains)
    return ManagedFile(SOURCE, dump_aliases(aliases), mode="0640", group="twinmx")


@role("aliases")
def deploy(site: Site) -> None:
    """Ship the aliases and build the snapshot from them."""
    source = [render_source(site)]
    trial = f"{PROGRAM} build $CANDIDATE{SOURCE} $CANDIDATE/trial.lmdb"
    checked_files("aliases", source, check=trial)
    converged(
        "aliases",
        apply=f"setpriv --reuid twinmx --regid twinmx --clear-groups {PROGRAM} build {SOURCE} {SNAPSHOT}",
        healthy=f"test -s {SNAPSHOT}",
        inputs=[*source, current_link()],  # a new release may write another format
    )
