"""The ports of our own hops, in one place: no two roles may pick the same, and the firewall names them.

They are no knobs: nothing outside the exchangers ever sees them, and a choice would only be one to get wrong.
"""

FORWARDER = 20381  # SMTP from Postfix here (loopback) and on the other exchangers (peer link)
SOCKETMAP = 20382  # loopback: Postfix asks whether a rewritten sender is ours
OUT = 20386  # loopback: the forwarder hands mail to postfix-out
METRICS_BASE = 20400  # peer link: worker N serves its metrics on 20400 + N
SPAMD = 783  # loopback


def metrics(workers: int) -> tuple[int, int]:
    """First and last port of the workers' metrics."""
    return METRICS_BASE + 1, METRICS_BASE + workers
