"""Eight exchangers of one exchange, made by `python -m lab pair fleet up`, for bench/fleet."""

from inventory.hosts import hosts_of

exchangers, databases, controller = hosts_of(
    "inventory/fleet.yml",
    connection={"ssh_hostname": "{address}", "ssh_config_file": "build/lab/ssh_config"},
)
