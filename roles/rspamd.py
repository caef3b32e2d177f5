"""Rspamd: the spam engine that is asked first, a few milliseconds a message.

Ports: none, two unix sockets in /run/rspamd: `scan.sock` for the programs (group _rspamd), and
`controller.sock` for the operator, who is root. Postfix never talks to it: the programs
do, under their own deadline, so that Rspamd can hang without a message waiting for it.
"""

from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site

PACKAGES = ("rspamd", "curl")
SCAN_SOCKET = "/run/rspamd/scan.sock"
CONTROLLER_SOCKET = "/run/rspamd/controller.sock"
INTERNET_MODULES = ("asn", "fuzzy_check", "phishing", "rbl", "rspamd_update", "surbl", "url_redirector")


def _owned(name: str, content: str, *, secret: bool = False) -> ManagedFile:
    return ManagedFile(f"/etc/rspamd/{name}", content, mode="0640", group="_rspamd", secret=secret)


def render_files(site: Site) -> list[Managed]:
    """The files of local.d and override.d, and the unit's limits."""
    spam = site.exchange.spam
    settings: dict[str, dict[str, object]] = {
        "local.d/worker-normal.inc": {"socket": SCAN_SOCKET, "workers": spam.rspamd.workers},
        "local.d/worker-controller.inc": {
            "socket": CONTROLLER_SOCKET,
            "password": site.secrets.rspamd_password.get_secret_value(),
        },
        "local.d/worker-proxy.inc": {},
        "local.d/worker-fuzzy.inc": {},
        "local.d/options.inc": {"budget_seconds": spam.rspamd.budget_seconds},
        "local.d/logging.inc": {},
        "local.d/actions.conf": {"reject_score": spam.reject_score},
        "override.d/statistic.conf": {},
    }
    files: list[Managed] = [
        _owned(name, render(f"rspamd/{name}.j2", **values), secret="password" in values)
        for name, values in settings.items()
    ]
    module = render("rspamd/local.d/internet-module.conf.j2", enabled=spam.network_tests)
    files += [_owned(f"local.d/{name}.conf", module) for name in INTERNET_MODULES]
    unit = render("rspamd/unit.conf.j2", rspamd=spam.rspamd)
    return [*files, ManagedFile("/etc/systemd/system/rspamd.service.d/twinmx.conf", unit)]


@role("rspamd")
def deploy(site: Site) -> None:
    """Run Rspamd on unix sockets, with its own password, within its limits."""
    packages("rspamd", PACKAGES)
    files = render_files(site)
    checked_files("rspamd", files, check="rspamadm configtest", roots=["/etc/rspamd"])
    converged_service(
        "rspamd.service",
        inputs=files,
        healthy=f"curl --silent --fail --max-time 2 --unix-socket {SCAN_SOCKET} http://rspamd/ping",
        packages=PACKAGES,
        seconds=180,
    )
