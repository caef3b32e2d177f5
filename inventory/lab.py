"""The lab pair: mx1 and mx2 in Docker, made by `make up`."""

from inventory.hosts import hosts_of

exchangers, databases, controller = hosts_of(
    "inventory/exchange.yml",
    connection={"ssh_hostname": "{address}", "ssh_config_file": "build/lab/ssh_config"},
)
