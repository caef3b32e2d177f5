"""The ports of our own hops, in one place: no two roles may pick the same, and the firewall names them.

They are no knobs: nothing outside the exchangers ever sees them, and a choice would only be one to get wrong.
"""

FORWARDER = 20381  # SMTP from Postfix here (loopback) and on the other exchangers (peer link)
SOCKETMAP = 20382  # loopback: Postfix asks whether a rewritten sender is ours
GATE = 20383  # loopback: the milter protocol, from the inbound Postfix
VALKEY = 20384  # peer link, TLS: the one Valkey that counts for all exchangers, where one is named
VALKEY_TRIAL = 20385  # loopback, for a moment: its next configuration is tried
OUT = 20386  # loopback: the forwarder hands mail to postfix-out
METRICS_BASE = 20400  # peer link: worker N serves its metrics on 20400 + N
GATE_METRICS_BASE = 20480  # peer link: worker N of the gate serves its metrics on 20480 + N
SPAMD = 783  # loopback
ALIASES_METRICS_BASE = 20470  # peer link: the follower of the alias database is on 20471


def metrics(forwarders: int, gates: int, followers: int) -> tuple[tuple[int, int], ...]:
    """First and last port of the metrics of so many workers."""
    workers = {METRICS_BASE: forwarders, GATE_METRICS_BASE: gates, ALIASES_METRICS_BASE: followers}
    return tuple((base + 1, base + count) for base, count in workers.items() if count)
