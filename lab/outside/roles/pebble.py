"""Pebble, Let's Encrypt's own ACME server for tests: an authority whose certificates nobody trusts.

It checks names as a real one does (DNS-01), by asking the lab's resolver, and refuses some nonces on purpose.
"""

from pathlib import Path

from pyinfra.api.deploy import deploy

from lab import pki
from lab.outside.render import render
from lab.settings import ACME_PORT, DNS_PORT, OUTSIDE
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import ManagedFile
from roles.lib.packages import packages

PACKAGES = ["pebble", "curl"]
DIRECTORY = "/etc/pebble"
CREDENTIALS = "/run/credentials/pebble.service"


def render_files() -> list[ManagedFile]:
    """Its settings, its own certificate, and its unit."""
    settings = render(
        "pebble/pebble.json.j2",
        address=OUTSIDE.address,
        port=ACME_PORT,
        directory=CREDENTIALS,
    )
    unit = render("pebble/pebble.service.j2", directory=DIRECTORY, resolver=f"{OUTSIDE.address}:{DNS_PORT}")
    kinds = {"pem": "0644", "key": "0400"}
    return [
        ManagedFile(f"{DIRECTORY}/pebble.json", settings),
        ManagedFile("/etc/systemd/system/pebble.service", unit),
        *(
            ManagedFile(
                f"{DIRECTORY}/own.{kind}",
                (Path(pki.DIRECTORY) / f"{OUTSIDE.fqdn}.{kind}").read_text(),
                mode=mode,
                secret=kind == "key",
            )
            for kind, mode in kinds.items()
        ),
    ]


@deploy("Pebble")
def pebble() -> None:
    """Install and converge it; ready when it shows its directory."""
    packages("pebble", PACKAGES)
    files = render_files()
    checked_files("pebble", files)
    url = f"https://{OUTSIDE.address}:{ACME_PORT}/dir"
    converged_service(
        "pebble.service",
        inputs=files,
        healthy=f"curl --silent --fail --insecure --output /dev/null --max-time 2 {url}",
        packages=["pebble"],
    )
