"""Signing: DKIM for the mail a host makes itself, an ARC seal on the mail it forwards.

Ports: none, two unix sockets in /run/rspamd-signing that Postfix alone may open: `own.sock` signs (bounces,
which are From a served domain), `forwarded.sock` seals (RFC 8617) and never signs: a stranger could put a
served domain into From. postfix-out asks them as milters and goes on without them, so Rspamd can be away
without a message waiting. It is an Rspamd of its own (docs/adr/0022): the one that judges spam has neither
these keys nor a say in what leaves.
"""

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from inventory.dkim import DkimPair
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site

PACKAGES = ("rspamd", "curl", "postfix")  # the last for its group, which opens the sockets
DIRECTORY = "/etc/rspamd-signing"
UNIT = "rspamd-signing.service"
SOCKETS = {kind: f"/run/rspamd-signing/{kind}.sock" for kind in ("own", "forwarded")}
PROBE = "/run/rspamd-signing/probe.sock"
KEYS = {kind: f"/etc/twinmx/credentials/dkim-{kind}" for kind in ("rsa", "ed25519")}
STATE = "/var/lib/rspamd-signing"
CREDENTIALS = f"/run/credentials/{UNIT}"
MODULES = ("arc", "dkim_signing", "dmarc", "settings", "spf")
GREATEST_SECONDS = 8
"""A message's wait for its signature, DNS for the signatures of others included (lab: 20 ms)."""


def seed(pair: DkimPair) -> str:
    """The Ed25519 key as Rspamd reads it: base64 of the 32 bytes of RFC 8032, 5.1.5."""
    key = load_pem_private_key(pair.ed25519.get_secret_value().encode(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return base64.b64encode(key.private_bytes_raw()).decode()


def _keys(pair: DkimPair) -> list[ManagedFile]:
    contents = {"rsa": pair.rsa.get_secret_value(), "ed25519": seed(pair)}
    return [ManagedFile(KEYS[kind], contents[kind], mode="0400", secret=True) for kind in KEYS]


def render_files(site: Site) -> list[Managed]:
    """Configuration, unit, and the two keys of the pair that signs."""
    pair = next(iter(site.secrets.dkim_keys), None)
    configuration = render(
        "signing/rspamd.conf.j2",
        domains=site.exchange.domains,
        pair=pair.name if pair else None,
        kinds=KEYS,
        credentials=CREDENTIALS,
        state=STATE,
        modules=MODULES,
        sockets=SOCKETS,
        probe=PROBE,
        seconds=GREATEST_SECONDS,
        workers=site.exchange.signing.workers,
    )
    unit = render(
        "signing/rspamd-signing.service.j2",
        configuration=f"{DIRECTORY}/rspamd.conf",
        keys=KEYS if pair else {},
        signing=site.exchange.signing,
    )
    return [
        ManagedFile(f"{DIRECTORY}/rspamd.conf", configuration),
        ManagedFile(f"/etc/systemd/system/{UNIT}", unit),
        *(_keys(pair) if pair else []),
    ]


@role("signing")
def deploy(site: Site) -> None:
    """Run the signer; without DKIM keys in the secrets it runs and signs nothing."""
    packages("signing", PACKAGES)
    files = render_files(site)
    absent = [] if site.secrets.dkim_keys else list(KEYS.values())
    check = f"rspamadm configtest -c {DIRECTORY}/rspamd.conf"
    checked_files("signing", files, check=check, roots=[DIRECTORY], absent=absent)
    converged_service(
        UNIT,
        inputs=files,
        healthy=f"curl --silent --fail --max-time 2 --unix-socket {PROBE} http://rspamd/ping",
        packages=("rspamd",),
        seconds=180,  # the first start compiles its patterns
    )
