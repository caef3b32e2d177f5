"""What each socket is for. One that stands here in no line is shown as unknown, and a test fails."""

from inventory.schema import Exchange
from roles import rspamd, signing, tlsrpt, valkey
from roles.lib import ports

UNKNOWN = "unknown"

PORTS = {
    25: "mail (postfix)",
    53: "names, checked by DNSSEC (unbound)",
    443: "the MTA-STS policy (nginx)",
    ports.FORWARDER: "mail to the forwarder, by SMTP (forwarder)",
    ports.SOCKETMAP: "is this rewritten sender ours? asked by postfix (forwarder)",
    ports.GATE: "the milter protocol, from postfix (gate)",
    ports.VALKEY: "counters for all exchangers, TLS (valkey)",
    ports.OUT: "mail from the forwarder (postfix-out)",
    ports.OUT_OWN: "what this host makes itself, such as bounces (postfix-out)",
    ports.DANE: "has this receiver DANE? asked by postfix-out (dane)",
    ports.STS: "a receiver's MTA-STS policy, asked by postfix-out (mta-sts)",
    ports.CANARY_SMTP: "where canary messages arrive (canary)",
    ports.QUEUES_METRICS: "metrics (queues)",
    ports.CANARY_METRICS: "metrics (canary)",
    ports.FAILOVER: "metrics, state, promises to the peer, status page (failover)",
    ports.NODE_METRICS: "metrics (node exporter)",
    ports.BLACKBOX: "probes (blackbox exporter)",
    ports.VALKEY_METRICS: "metrics (redis exporter)",
    ports.PROMETHEUS: "queries (prometheus)",
    ports.ALERTMANAGER: "alerts and silences (alertmanager)",
    ports.ALERTMANAGER_CLUSTER: "what has been sent (alertmanager)",
    ports.RSPAMD_METRICS: "metrics (vitals)",
    ports.SPAMD: "spam checks (spamd)",
}

PATHS = {
    rspamd.SCAN_SOCKET: "spam checks (rspamd)",
    rspamd.CONTROLLER_SOCKET: "Rspamd's controller, for root and vitals (rspamd)",
    "/var/lib/rspamd/rspamd.sock": "Rspamd's processes among themselves (rspamd)",
    valkey.SOCKET: "counters, password and access list beside (valkey)",
    signing.SOCKETS["own"]: "DKIM for our own mail, from postfix-out (signing)",
    signing.SOCKETS["forwarded"]: "ARC seals, from postfix-out (signing)",
    signing.PROBE: "does it run? (signing)",
    tlsrpt.SOCKET: "how TLS with receivers went, from postfix-out (tlsrpt)",
    "/run/twinmx/failover.sock": "orders of an operator (failover)",
    "/run/ssh-unix-local/socket": "SSH from this host, as systemd sets it up (sshd)",
    "/var/spool/postfix/private/*": "Postfix's programs among themselves (postfix)",
    "/var/spool/postfix/public/*": "Postfix's commands on this host (postfix)",
    "/var/spool/postfix-out/private/*": "Postfix's programs among themselves (postfix-out)",
    "/var/spool/postfix-out/public/*": "Postfix's commands on this host (postfix-out)",
}


def workers(exchange: Exchange) -> dict[int, tuple[int, str]]:
    """First port before the workers' → their number, and what the ports are for."""
    return {
        ports.METRICS_BASE: (exchange.forwarder.workers, "metrics of worker N (forwarder)"),
        ports.GATE_METRICS_BASE: (exchange.gate.workers, "metrics of worker N (gate)"),
        ports.ALIASES_METRICS_BASE: (1, "metrics of the follower (aliases)"),
    }
