"""Unbound, the resolver of every lab host, on port 53.

It asks Knot for the lab's zones and Docker's own resolver for the rest of the world, so that packages can
be fetched. It caches nothing of the lab's zones: a test sees a DNS change at once, and waits for no TTL.
"""

from pyinfra.api.deploy import deploy

from lab.outside.render import render
from lab.outside.zones import fixed_zone_names, reverse_name, served_zones
from lab.settings import AUTHORITATIVE_PORT, DNS_PORT, OUTSIDE, SUBNET
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import ManagedFile
from roles.lib.packages import packages

PACKAGES = ["unbound"]
DOCKER_RESOLVER = "127.0.0.11"


def render_configuration() -> ManagedFile:
    """unbound.conf, whole: nothing of the distribution's is included."""
    text = render(
        "unbound/unbound.conf.j2",
        addresses=["127.0.0.1", str(OUTSIDE.address)],
        port=DNS_PORT,
        clients=["127.0.0.0/8", str(SUBNET)],
        zones=sorted([*fixed_zone_names(), *served_zones()]),
        reverse=reverse_name(),
        authority=f"127.0.0.1@{AUTHORITATIVE_PORT}",
        upstream=DOCKER_RESOLVER,
    )
    return ManagedFile("/etc/unbound/unbound.conf", text)


@deploy("Unbound")
def unbound() -> None:
    """Install and converge Unbound, then let the outside host itself use it."""
    packages("unbound", PACKAGES)
    configuration = render_configuration()
    checked_files("unbound", [configuration], check="unbound-checkconf", roots=["/etc/unbound"])
    converged_service(
        "unbound.service",
        inputs=[configuration],
        healthy=f"kdig @127.0.0.1 +time=1 +retry=0 {reverse_name()} SOA | grep -q hostmaster",
        packages=["unbound"],
    )
    checked_files("resolver", [ManagedFile("/etc/resolv.conf", "nameserver 127.0.0.1\n")])
