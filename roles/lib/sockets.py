"""Who listens where on a host, as the roles have it: the table that drift compares with the host.

A role with a port of its own has its line in `_of`, under the unit that listens; Postfix' ports are read from
its own files. A unit that is not wanted on a host does not count there.
"""

from collections.abc import Collection, Iterator, Mapping

from roles import alertmanager, aliases, canary, exporters, failover, queues, valkey
from roles.lib import ports, workers
from roles.lib.site import Site
from roles.postgresql import UNIT as POSTGRESQL
from twinmx.drift.manifest import Instance

LOOPBACK = "127.0.0.1"
ANYWHERE = "*"
NAMED = {"smtp": 25}
"""Services that master.cf calls by name (services(5))."""

IGNORED = (
    *("udp *:68 *", "udp *:546 *"),
    *("tcp [::1]:53 *", "udp [::1]:53 *", "tcp [::1]:5432 *"),
    "udp *:* unbound",
)
"""Clients of DHCP; localhost of Unbound and PostgreSQL where there is IPv6; what Unbound asks, from any port.

What else the system runs on a host is for the inventory to allow.
"""


def sockets(site: Site, units: Collection[str], postfix: Mapping[str, Instance]) -> list[str]:
    """All of a host with these active units, as "tcp ADDRESS:PORT"; * is any address."""
    listening = {unit: at for unit, at in _of(site).items() if unit in units}
    found = {f"tcp {ANYWHERE}:{site.exchange.access.ssh_port}"}
    found.update(one for at in listening.values() for one in at)
    found.update(one for instance in postfix.values() for one in _postfix(instance))
    return sorted(found)


def _of(site: Site) -> dict[str, list[str]]:
    if site.is_database:
        port = site.database.port
        return {POSTGRESQL: [_tcp(LOOPBACK, port), _tcp(site.database.address, port)]}
    exchange, peer = site.exchange, site.me.peer
    counts = {
        "forwarder": (exchange.forwarder.workers, ports.METRICS_BASE),
        "gate": (exchange.gate.workers, ports.GATE_METRICS_BASE),
    }
    metrics = {
        unit: [_tcp(peer, base + number)]
        for name, (count, base) in counts.items()
        for number, unit in enumerate(workers.units(name, count), start=1)
    }
    metrics["forwarder@1.service"] += [
        *(_tcp(address, ports.FORWARDER) for address in (LOOPBACK, peer)),
        _tcp(LOOPBACK, ports.SOCKETMAP),
    ]
    metrics["gate@1.service"] += [_tcp(LOOPBACK, ports.GATE)]
    cluster = [f"{protocol} {peer}:{ports.ALERTMANAGER_CLUSTER}" for protocol in ("tcp", "udp")]
    return metrics | {
        "unbound.service": [f"{protocol} {LOOPBACK}:53" for protocol in ("tcp", "udp")],
        "nginx.service": [_tcp(ANYWHERE, 443)],
        "dane.service": [_tcp(LOOPBACK, ports.DANE)],
        "postfix-mta-sts-resolver.service": [_tcp(LOOPBACK, ports.STS)],
        "spamd.service": [_tcp(LOOPBACK, ports.SPAMD)],
        "valkey-server.service": [_tcp(peer, ports.VALKEY)] if valkey.serves_others(site) else [],
        aliases.FOLLOWER: [_tcp(peer, ports.ALIASES_METRICS_BASE + 1)],
        queues.SERVICE: [_tcp(peer, ports.QUEUES_METRICS)],
        canary.UNIT: [_tcp(peer, ports.CANARY_SMTP), _tcp(peer, ports.CANARY_METRICS)],
        failover.UNIT: [_tcp(peer, ports.FAILOVER)],
        f"{exporters.NODE}.service": [_tcp(peer, ports.NODE_METRICS)],
        f"{exporters.BLACKBOX}.service": [_tcp(LOOPBACK, ports.BLACKBOX)],
        f"{exporters.REDIS}.service": [_tcp(peer, ports.VALKEY_METRICS)],
        exporters.VITALS: [_tcp(peer, ports.RSPAMD_METRICS)],
        "prometheus.service": [_tcp(peer, ports.PROMETHEUS)],
        alertmanager.SERVICE: [_tcp(peer, ports.ALERTMANAGER), *(cluster if site.peers else [])],
    }


def _tcp(address: object, port: int) -> str:
    return f"tcp {address}:{port}"


def _postfix(instance: Instance) -> Iterator[str]:
    """The services of master.cf that listen on the network (master(5))."""
    everywhere = instance.parameters.get("inet_interfaces", "all") == "all"
    for service in instance.services:
        name, kind = service.split()
        if kind == "inet":
            address, _, port = name.rpartition(":")
            default = ANYWHERE if everywhere else LOOPBACK
            yield _tcp(address or default, NAMED.get(port) or int(port))
