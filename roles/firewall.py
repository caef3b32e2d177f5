"""Packet filter: nothing comes in but what a host is for.

Ports: 25 from everywhere (unless drained by Postfix itself), and 443 where an MTA-STS policy is served; SSH
from the operators' networks; from the other exchangers the forwarder's port, the canary's, the
Alertmanagers' and that of a shared Valkey; metrics from the monitors. On the host of the database:
PostgreSQL's port from the exchangers and the applications. Only the table `inet twinmx` is ours: other
tables on the host (a container engine's, fail2ban's) stay as they are.
"""

from roles import valkey
from roles.lib import ports
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import ManagedFile
from roles.lib.packages import packages
from roles.lib.records.mta_sts import policy_names
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site

PACKAGES = ("nftables",)


def render_rules(site: Site) -> ManagedFile:
    """The rule set of this host."""
    exchange = site.exchange
    rules = render(
        "firewall/nftables.conf.j2",
        ssh_from=exchange.access.ssh_from,
        peers=[peer.peer for peer in site.peers],
        ssh_port=exchange.access.ssh_port,
        forwarder_port=ports.FORWARDER,
        canary_port=ports.CANARY_SMTP,
        cluster_port=ports.ALERTMANAGER_CLUSTER,
        valkey_port=ports.VALKEY if valkey.serves_others(site) else None,
        metrics_from=exchange.monitors.clients,
        metrics_ports=ports.metrics(
            exchange.forwarder.workers, exchange.gate.workers, int(exchange.followed is not None)
        ),
        takes_mail=not site.is_database,
        serves_policy=bool(policy_names(exchange)),
        database=exchange.followed,
        exchangers=site.exchanger_addresses,
    )
    return ManagedFile("/etc/nftables.conf", rules, mode="0755")


@role("firewall")
def deploy(site: Site) -> None:
    """Load the rule set, replacing ours at one stroke."""
    packages("firewall", PACKAGES)
    rules = [render_rules(site)]
    checked_files("firewall", rules, check="nft --check --file $CANDIDATE/etc/nftables.conf")
    converged_service(
        "nftables.service",
        inputs=rules,
        healthy="nft list table inet twinmx",
        packages=PACKAGES,
        reload=True,
    )
