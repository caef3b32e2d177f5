"""The ports of our own hops, in one place: no two roles may pick the same, and the firewall names them.

They are no knobs: nothing outside the exchangers ever sees them, and a choice would only be one to get wrong.
"""

FORWARDER = 20381  # SMTP from Postfix here (loopback) and on the other exchangers (peer link)
SOCKETMAP = 20382  # loopback: Postfix asks whether a rewritten sender is ours
GATE = 20383  # loopback: the milter protocol, from the inbound Postfix
VALKEY = 20384  # peer link, TLS: the one Valkey that counts for all exchangers, where one is named
VALKEY_TRIAL = 20385  # loopback, for a moment: its next configuration is tried
OUT = 20386  # loopback: the forwarder hands mail to postfix-out
CANARY_SMTP = 20387  # peer link: where the canary's messages arrive, from every exchanger's postfix-out
OUT_OWN = 20388  # loopback: what this host makes itself, such as bounces, goes to postfix-out here
DANE = 20389  # loopback: postfix-out asks whether a receiver has DANE
STS = 20390  # loopback: postfix-out asks for a receiver's MTA-STS policy
METRICS_BASE = 20400  # peer link: worker N serves its metrics on 20400 + N
QUEUES_METRICS = 20460  # peer link: what is in Postfix's queues, and how long deliveries take
CANARY_METRICS = 20461  # peer link: metrics of the canary, and its last delays
FAILOVER = 20462  # peer link: the agent's metrics, state, status page, and the promises it gives its peer
NODE_METRICS = 20463  # peer link: the node exporter
BLACKBOX = 20464  # loopback: the blackbox exporter, which would otherwise probe anything for anybody
VALKEY_METRICS = 20465  # peer link: the redis exporter
PROMETHEUS = 20466  # peer link and loopback
ALERTMANAGER = 20467  # peer link and loopback
ALERTMANAGER_CLUSTER = 20468  # peer link, TCP and UDP: Alertmanagers tell each other what they have sent
RSPAMD_METRICS = 20469  # peer link: Rspamd's metrics, and nothing else of its controller
ALIASES_METRICS_BASE = 20470  # peer link: the follower of the alias database is on 20471
GATE_METRICS_BASE = 20480  # peer link: worker N of the gate serves its metrics on 20480 + N
SPAMD = 783  # loopback

_READ_BY_MONITORS = (
    *(QUEUES_METRICS, CANARY_METRICS, FAILOVER, NODE_METRICS),
    *(VALKEY_METRICS, PROMETHEUS, ALERTMANAGER, RSPAMD_METRICS),
)


def metrics(forwarders: int, gates: int, followers: int) -> tuple[tuple[int, int], ...]:
    """First and last port of what monitors may read on an exchanger with so many workers, in order."""
    workers = {METRICS_BASE: forwarders, GATE_METRICS_BASE: gates, ALIASES_METRICS_BASE: followers}
    numbered = {base + number for base, count in workers.items() for number in range(1, count + 1)}
    ports = {*_READ_BY_MONITORS, *numbered}
    firsts = sorted(port for port in ports if port - 1 not in ports)
    lasts = sorted(port for port in ports if port + 1 not in ports)
    return tuple(zip(firsts, lasts, strict=True))
