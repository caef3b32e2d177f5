"""The site: what an exchanger is made of, one line a role, in the order of need.

Run it as `pyinfra inventory/lab.py deploy.py` (`make converge` does so host by host, with a probe message
after each). The inventory has checked every fact and flag before this file is read.
"""

from roles import (
    alertmanager,
    aliases,
    base,
    canary,
    delivery,
    dns,
    drift,
    drill,
    exporters,
    failover,
    firewall,
    forwarder,
    gate,
    policy,
    postfix,
    postgresql,
    prometheus,
    queues,
    release,
    resolver,
    rspamd,
    signing,
    spamassassin,
    ssh,
    tls,
    tlsrpt,
    valkey,
)
from roles.lib.site import is_database, is_exchanger, this_exchange, this_site

if is_exchanger():
    site = this_site()
    drill.recover(site)
    base.deploy(site)
    ssh.deploy(site)
    firewall.deploy(site)
    tls.deploy(site)
    resolver.deploy(site)
    valkey.deploy(site)
    rspamd.deploy(site)
    spamassassin.deploy(site)
    release.deploy(site)
    aliases.deploy(site)
    forwarder.deploy(site)
    gate.deploy(site)
    signing.deploy(site)
    delivery.deploy(site)
    tlsrpt.deploy(site)
    postfix.deploy(site)
    policy.deploy(site)
    queues.deploy(site)
    canary.deploy(site)
    failover.deploy(site)
    exporters.deploy(site)
    prometheus.deploy(site)
    alertmanager.deploy(site)
    drift.deploy(site)
    drill.deploy(site)
elif is_database():
    site = this_site()
    base.deploy(site)
    ssh.deploy(site)
    firewall.deploy(site)
    release.deploy(site)
    postgresql.deploy(site)
    drift.deploy(site)
else:
    dns.deploy(this_exchange())
