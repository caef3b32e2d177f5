"""SpamAssassin: the second spam engine, asked when the first is slow or away (or first, where ordered so).

Ports: 783 on loopback (spamd). In August 2020 it took all of the CPU and then answered nothing: here it
runs under a CPU and a memory cap, and who asks it does not wait longer than the budget.
"""

from roles.lib import ports
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site

PACKAGES = ("spamassassin", "spamd", "spamc")


def render_files(site: Site) -> list[Managed]:
    """spamd's options, the rules' settings, and the unit's limits."""
    spam = site.exchange.spam
    values = {"spamassassin": spam.spamassassin, "network_tests": spam.network_tests, "port": ports.SPAMD}
    return [
        ManagedFile("/etc/default/spamd", render("spamassassin/spamd.j2", **values)),
        ManagedFile("/etc/spamassassin/local.cf", render("spamassassin/local.cf.j2", **values)),
        ManagedFile(
            "/etc/systemd/system/spamd.service.d/twinmx.conf", render("spamassassin/unit.conf.j2", **values)
        ),
    ]


@role("spamassassin")
def deploy(site: Site) -> None:
    """Run spamd on loopback, within its limits."""
    packages("spamassassin", PACKAGES)
    files = render_files(site)
    checked_files("spamassassin", files, check="spamassassin --lint", roots=["/etc/spamassassin"])
    converged_service(
        "spamd.service", inputs=files, healthy="spamc --dest 127.0.0.1 -K", packages=PACKAGES, seconds=180
    )
