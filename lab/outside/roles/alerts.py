"""Who is told of alerts in the lab: a small HTTP service that keeps what Alertmanager sends it.

A real pager belongs to somebody else. To Alertmanager this one is a webhook like any other.
"""

from pathlib import Path

from pyinfra.api.deploy import deploy

from lab.outside import pager
from lab.outside.render import render
from lab.settings import ALERTS_PORT, OUTSIDE
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import ManagedFile
from roles.lib.packages import packages

PACKAGES = ["curl", "python3"]
PROGRAM = "/usr/local/lib/lab/pager.py"
KEPT = "/var/lib/pager/alerts.jsonl"


def render_files() -> list[ManagedFile]:
    """The program and its unit."""
    unit = render(
        "alerts/pager.service.j2", program=PROGRAM, address=OUTSIDE.address, port=ALERTS_PORT, file=KEPT
    )
    return [
        ManagedFile(PROGRAM, Path(pager.__file__).read_text()),
        ManagedFile("/etc/systemd/system/pager.service", unit),
    ]


@deploy("Alerts")
def alerts() -> None:
    """Install and converge the service; ready when it shows what it has."""
    packages("alerts", PACKAGES)
    files = render_files()
    checked_files("alerts", files)
    url = f"http://{OUTSIDE.address}:{ALERTS_PORT}{pager.PLACE}"
    converged_service(
        "pager.service",
        inputs=files,
        healthy=f"curl --silent --fail --output /dev/null --max-time 2 {url}",
        packages=["python3"],
    )
