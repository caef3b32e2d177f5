"""The lab's own network and package volume. Nothing of anybody else is touched."""

import json

from lab.command import attempt
from lab.engine import docker
from lab.errors import LabError
from lab.settings import BRIDGE, CONTROLLER, LABEL, NETWORK, PACKAGES_VOLUME, SUBNET


def _holder_of_subnet() -> str | None:
    """The name of another Docker network that has the lab's subnet, or a part of it."""
    for name in docker("network", "ls", "--format", "{{.Name}}").split():
        described = json.loads(docker("network", "inspect", name))[0]
        for configured in described["IPAM"]["Config"] or []:
            subnet = configured.get("Subnet", "")
            if "." in subnet and SUBNET.overlaps(type(SUBNET)(subnet)):
                return name
    return None


def ensure() -> None:
    """Have the network and the volume; raises LabError when another network holds the addresses."""
    if attempt(["docker", "network", "inspect", NETWORK]).returncode:
        holder = _holder_of_subnet()
        if holder:
            raise LabError(
                f"the Docker network {holder} has addresses of {SUBNET}, which the lab needs",
                f"if nothing needs it: docker network rm {holder}",
            )
        docker(
            *("network", "create", "--label", f"{LABEL}=network", "--subnet", str(SUBNET)),
            *("--gateway", str(CONTROLLER), "-o", f"com.docker.network.bridge.name={BRIDGE}"),
            NETWORK,
        )
    docker("volume", "create", "--label", f"{LABEL}=packages", PACKAGES_VOLUME)


def remove() -> None:
    """Remove the network and the volume, if they are there."""
    for kind, name in ("network", NETWORK), ("volume", PACKAGES_VOLUME):
        if attempt(["docker", kind, "inspect", name]).returncode == 0:
            docker(kind, "rm", name)
