"""The MTA-STS policy of the served domains, over HTTPS (RFC 8461, 3.3): nginx, and one file.

Port: 443, only where `dns.mta_sts.mode` is given and `dns.mta_sts.host` is not. Each exchanger serves the
policy of all domains, at mta-sts.DOMAIN; DNS leads to all of them. It names every exchanger, drained or
not. The certificate is the one of port 25, which then has these names too, so one renewal serves both.
"""

from roles import tls
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.records.mta_sts import mta_sts_policy, policy_names
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site

PACKAGES = ("nginx-light", "curl")
UNIT = "nginx.service"
POLICY = "/etc/twinmx/policy/mta-sts.txt"
PLACE = "/.well-known/mta-sts.txt"


def render_files(site: Site) -> list[Managed]:
    """nginx.conf, whole; the policy; the unit's drop-in."""
    configuration = render(
        "policy/nginx.conf.j2",
        names=policy_names(site.exchange),
        ipv6=site.me.address6 is not None,
        certificate=tls.CERTIFICATE,
        key=tls.KEY,
        minimum=site.exchange.tls.minimum,
        place=PLACE,
        file=POLICY,
    )
    return [
        ManagedFile("/etc/nginx/nginx.conf", configuration),
        ManagedFile(POLICY, mta_sts_policy(site.exchange)),
        ManagedFile(f"/etc/systemd/system/{UNIT}.d/twinmx.conf", render("policy/unit.conf.j2")),
    ]


@role("policy")
def deploy(site: Site) -> None:
    """Serve the policy, where it is for the exchangers to serve."""
    names = policy_names(site.exchange)
    if not names:
        return
    packages("policy", PACKAGES)
    files = render_files(site)
    checked_files("policy", files, check="nginx -q -t", roots=["/etc/nginx"])
    # the certificate's chain is not this check's business: an authority may be known to others alone
    ask = f"curl --silent --fail --insecure --max-time 2 --resolve {names[0]}:443:127.0.0.1"
    converged_service(
        UNIT,
        inputs=[*files, *tls.read_files(site)],
        healthy=f"{ask} https://{names[0]}{PLACE} | cmp - {POLICY}",
        packages=PACKAGES,
        reload=True,
    )
