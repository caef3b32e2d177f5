"""What wakes somebody: every rule of Prometheus, built from the thresholds of the inventory.

Typed Python rather than a template, so that a test can go through all alerts: each has its runbook, and each
is played by promtool. docs/adr/0016 says who watches and who acts.
"""

from inventory.schema import Exchange
from roles.lib.alerts import hosts, mail, programs, spam, watchers
from roles.lib.alerts.rule import Group, Thresholds


def groups(exchange: Exchange) -> list[Group]:
    """All rules, in groups that Prometheus evaluates on their own."""
    thresholds = Thresholds(exchange)
    return [
        Group("mail", mail.recordings(thresholds), mail.alerts(thresholds)),
        Group("spam", spam.recordings(thresholds), spam.alerts(thresholds)),
        Group("programs", [], programs.alerts(thresholds)),
        Group("hosts", [], hosts.alerts(thresholds)),
        Group("watchers", [], watchers.alerts(thresholds)),
    ]
