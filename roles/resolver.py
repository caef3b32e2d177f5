"""The resolver of the host: Unbound, which validates (DNSSEC), for this host alone.

Port: 53 on loopback. Postfix believes TLSA records only from a resolver that has validated them and that no
network lies in front of (RFC 7672, 1.3). The spam engines ask it too: block lists answer a resolver of
one's own, and refuse those that everybody uses. /etc/resolv.conf names it as soon as it answers.
"""

from pathlib import Path

from inventory.load import InventoryError
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site

PACKAGES = ("unbound", "unbound-anchor", "dns-root-data", "python3")
DIRECTORY = "/etc/unbound"
ANCHORS = f"{DIRECTORY}/anchors"
UNIT = "unbound.service"
RESOLV_CONF = ManagedFile(
    "/etc/resolv.conf",
    "# the resolver of this host; what it says of validation (AD) is believed\n"
    "nameserver 127.0.0.1\noptions edns0 trust-ad timeout:3\n",
)

# Unbound's own check asks for the root's key, which Debian's unit would bring only at the first start.
CHECK = """/usr/libexec/unbound-helper root_trust_anchor_update || exit 1
unbound-checkconf"""

# Any answer to a question about localhost (RFC 6761, 6.3), which needs nobody else: who cannot reach a name
# server has a resolver that works all the same.
ANSWERS = """python3 -c '
import socket
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asked.settimeout(2)
question = bytes.fromhex("002a01000001000000000000096c6f63616c686f73740000010001")
asked.sendto(question, ("127.0.0.1", 53))
assert asked.recv(512)[:2] == question[:2]'"""


def _anchors(site: Site) -> list[Managed]:
    path = site.exchange.resolver.anchors
    if path is None:
        return []
    try:
        return [ManagedFile(ANCHORS, Path(path).read_text())]
    except (OSError, UnicodeDecodeError) as error:
        raise InventoryError(f"resolver.anchors: {path}: {error}; allowed: a readable text file") from None


def render_files(site: Site) -> list[Managed]:
    """unbound.conf, whole; the further anchors; the unit's drop-in."""
    knobs = site.exchange.resolver
    configuration = render(
        "resolver/unbound.conf.j2",
        ipv6=site.me.address6 is not None,
        root=knobs.root_anchor,
        anchors=ANCHORS if knobs.anchors else None,
        cache_seconds=knobs.cache_seconds,
        stale_seconds=knobs.stale_seconds,
        forward_to=knobs.forward_to,
    )
    unit = render("resolver/unit.conf.j2", root=knobs.root_anchor)
    return [
        ManagedFile(f"{DIRECTORY}/unbound.conf", configuration),
        ManagedFile(f"/etc/systemd/system/{UNIT}.d/twinmx.conf", unit),
        *_anchors(site),
    ]


@role("resolver")
def deploy(site: Site) -> None:
    """Run it, and only then have the host ask it."""
    packages("resolver", PACKAGES)
    files = render_files(site)
    absent = [] if site.exchange.resolver.anchors else [ANCHORS]
    checked_files("resolver", files, check=CHECK, roots=[DIRECTORY], absent=absent)
    converged_service(UNIT, inputs=files, healthy=ANSWERS, packages=PACKAGES)
    checked_files("resolv.conf", [RESOLV_CONF])
