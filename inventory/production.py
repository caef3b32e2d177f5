"""A pair in production, as an example: pyinfra logs in as root, with a key and to hosts it knows.

A host is known once its key is in ~/.ssh/known_hosts, so log in to each by hand before the first converge.
"""

from inventory.hosts import hosts_of

exchangers, databases, controller = hosts_of(
    "inventory/production.yml",
    connection={
        "ssh_hostname": "{address}",
        "ssh_port": 22,  # the same as access.ssh_port, which the firewall lets in
        "ssh_user": "root",
        "ssh_key": "~/.ssh/id_ed25519",
        "ssh_strict_host_key_checking": "yes",
    },
)
