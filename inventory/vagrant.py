"""The second pair: the hosts of the Vagrantfile, and of the molecule scenario."""

from inventory.hosts import hosts_of

exchangers, databases, controller = hosts_of(
    "inventory/vagrant.yml",
    connection={"ssh_hostname": "{address}", "ssh_config_file": "build/lab/ssh_config"},
)
