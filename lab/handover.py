"""Tell the Vagrantfile how a lab host is made, so that this is said in one place only."""

import json
from pathlib import Path

from lab import ssh
from lab.hosts import labelled_arguments
from lab.settings import BRIDGE, OUTSIDE, SECOND, STATE

FILE = STATE / "vagrant.json"


def write(image: str, file: Path = FILE) -> None:
    """Write names, addresses, image and `docker create` arguments of the second pair."""
    hosts = {
        host.fqdn.partition(".")[0]: {
            "container": host.name,
            "fqdn": host.fqdn,
            "address": str(host.address),
            "arguments": labelled_arguments(host, image),
            "keys": str(ssh.host_directory(host)),
        }
        for host in SECOND.hosts
    }
    facts = {
        "image": image,
        "bridge": BRIDGE,
        "resolver": str(OUTSIDE.address),
        "private_key": str(ssh.key_file()),
        "hosts": hosts,
    }
    file.write_text(json.dumps(facts, indent=2) + "\n")
