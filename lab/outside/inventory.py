"""The outside host, reached as the exchangers are: over SSH with the lab's own configuration."""

from lab.settings import OUTSIDE
from lab.ssh import CONFIG

outside = [
    (
        OUTSIDE.alias,
        {"ssh_hostname": str(OUTSIDE.address), "ssh_config_file": str(CONFIG)},
    )
]
