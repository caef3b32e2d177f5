"""Knot, authoritative for every zone of the lab, on port 5353 (Unbound has port 53).

The zones of receivers with DANE are signed, with a key that the exchangers know. The served zones take
updates (RFC 2136) and hand out transfers (RFC 5936) to whoever holds one of the lab's TSIG keys. They are
seeded once and then belong to their owner: a later converge leaves them alone.
"""

from pyinfra.api.deploy import deploy

from lab import dnssec, pki, secrets
from lab.outside.render import render
from lab.outside.zones import fixed_zone_names, fixed_zones, reverse_name, served_zones
from lab.settings import AUTHORITATIVE_PORT, OUTSIDE, SECURE_ZONES
from roles.lib.converge import converged, converged_service
from roles.lib.files import checked_files
from roles.lib.managed import ManagedFile
from roles.lib.packages import packages

PACKAGES = ["knot", "knot-dnsutils"]
SEEDS = "/etc/knot/seeds"
FIXED = "/etc/knot/zones"
STORAGE = "/var/lib/knot"
SERVED = f"{STORAGE}/served"
SIGNER = "/etc/knot/signer.pem"


def render_configuration() -> ManagedFile:
    """knot.conf, without the key."""
    text = render(
        "knot/knot.conf.j2",
        addresses=["127.0.0.1", str(OUTSIDE.address)],
        port=AUTHORITATIVE_PORT,
        keys=[key["name"] for key in secrets.ensure()["tsig_keys"]],
        fixed=sorted(set(fixed_zone_names()) - set(SECURE_ZONES)),
        secure=SECURE_ZONES,
        served=sorted(served_zones()),
        fixed_directory=FIXED,
        served_directory=SERVED,
    )
    return ManagedFile("/etc/knot/knot.conf", text, mode="0640", group="knot")


def render_key() -> ManagedFile:
    """The TSIG keys, in a file of their own, so that they are in no diff."""
    text = render("knot/key.conf.j2", keys=secrets.ensure()["tsig_keys"])
    return ManagedFile("/etc/knot/key.conf", text, mode="0640", group="knot", secret=True)


def _shown() -> bytes:
    """The certificate of the outside host, as receivers with DANE announce its key."""
    return (pki.DIRECTORY / f"{OUTSIDE.fqdn}.pem").read_bytes()


def render_signer() -> ManagedFile:
    """The key that signs the secure zones."""
    return ManagedFile(SIGNER, dnssec.key(), mode="0640", group="knot", secret=True)


def _sign_command() -> str:
    """Give each secure zone the key, and no other (keymgr(8))."""
    manage = "setpriv --reuid knot --regid knot --clear-groups keymgr -c /etc/knot/knot.conf"
    lines = [f"install -d -o knot -g knot -m 0770 {STORAGE}/keys"]
    for zone in SECURE_ZONES:
        old = f"{manage} {zone} list | while read -r id rest; do {manage} {zone} delete $id; done"
        new = f"{manage} {zone} import-pem {SIGNER} algorithm=13 size=256 ksk=yes zsk=yes"
        lines += [old, new]
    return " && ".join(f"( {line} )" for line in lines)


def _seed_command() -> str:
    lines = [f"install -d -o knot -g knot -m 0755 {SERVED}"]
    lines += [
        f"test -e {SERVED}/{zone}.zone || "
        f"install -o knot -g knot -m 0644 {SEEDS}/{zone}.zone {SERVED}/{zone}.zone"
        for zone in sorted(served_zones())
    ]
    return " && ".join(f"( {line} )" for line in lines)


@deploy("Knot")
def knot() -> None:
    """Install and converge Knot; ready when it answers for a zone that it holds."""
    packages("knot", PACKAGES)
    seeds = [ManagedFile(f"{SEEDS}/{zone}.zone", text) for zone, text in served_zones().items()]
    zones = [ManagedFile(f"{FIXED}/{zone}.zone", text) for zone, text in fixed_zones(_shown()).items()]
    signer = render_signer()
    files = [render_configuration(), render_key(), signer, *seeds, *zones]
    checked_files("knot", files, check="knotc -c /etc/knot/knot.conf conf-check", roots=["/etc/knot"])
    converged("served-zones", apply=_seed_command(), inputs=seeds, packages=["knot"])
    converged("secure-zones", apply=_sign_command(), inputs=[signer], packages=["knot"])
    question = f"kdig @127.0.0.1 -p {AUTHORITATIVE_PORT} +time=1 +retry=0 {reverse_name()} SOA"
    converged_service(
        "knot.service",
        inputs=[file for file in files if file not in seeds],
        healthy=f"{question} | grep -q hostmaster",
        packages=["knot"],
    )
