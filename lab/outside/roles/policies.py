"""The MTA-STS policies of the lab's receivers, over HTTPS on port 443."""

from pathlib import Path

from pyinfra.api.deploy import deploy

from lab import pki
from lab.outside import policies as program
from lab.outside.render import render
from lab.outside.zones import policy_texts
from lab.settings import OUTSIDE
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import ManagedFile
from roles.lib.packages import packages

PACKAGES = ["curl", "python3"]
PROGRAM = "/usr/local/lib/lab/policies.py"
CHAIN = "/etc/policies/chain.pem"
TEXTS = "/etc/policies/texts"
PORT = 443


def render_files() -> list[ManagedFile]:
    """The program, its unit, the policies, and a certificate for all of their hosts."""
    unit = render(
        "policies/policies.service.j2",
        program=PROGRAM,
        address=OUTSIDE.address,
        port=PORT,
        chain=CHAIN,
        texts=TEXTS,
    )
    chain = "".join((Path(pki.DIRECTORY) / f"{OUTSIDE.fqdn}.{kind}").read_text() for kind in ("key", "pem"))
    return [
        ManagedFile(PROGRAM, Path(program.__file__).read_text()),
        ManagedFile("/etc/systemd/system/policies.service", unit),
        ManagedFile(CHAIN, chain, mode="0400", secret=True),
        *(ManagedFile(f"{TEXTS}/{domain}", text) for domain, text in policy_texts().items()),
    ]


@deploy("Policies")
def policies() -> None:
    """Install and converge the service; ready when it shows a policy."""
    packages("policies", PACKAGES)
    files = render_files()
    checked_files("policies", files)
    domain = next(iter(policy_texts()))
    name = f"{program.PREFIX}{domain}"
    ask = f"curl --silent --fail --insecure --max-time 2 --resolve {name}:{PORT}:{OUTSIDE.address}"
    converged_service(
        "policies.service",
        inputs=files,
        healthy=f"{ask} https://{name}{program.PLACE} | cmp - {TEXTS}/{domain}",
        packages=["python3"],
    )
