"""The two Postfix instances of an exchanger: one that accepts, one that sends on.

Ports: 25 (inbound, unless drained); on loopback 20386 and 20388 (postfix-out). What waits for us and what
waits for others are two queues with limits of their own (MULTI_INSTANCE_README). The inbound instance hands
mail to the forwarder of this host, or at once to a peer's when that one does not answer; postfix-out
takes it back from the forwarder and talks to the mailbox providers, and to the canaries' listeners. It
takes what this host makes itself, such as bounces, on a port of its own: that is signed, and not sealed.
"""

import re
from math import gcd

from inventory.canary import canary_domain
from roles import delivery, forwarder, signing, tls, tlsrpt
from roles.aliases import DELTA, SNAPSHOT
from roles.lib import ports
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.packages import packages
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from twinmx.aliases.record import DISABLED, GONE, MAILBOX_DISABLED

PACKAGES = ("postfix", "postfix-lmdb", "postfix-pcre")
OLDEST = {"postfix": "3.10.13"}  # earlier 3.10 has holes in access restrictions and in BDAT

# `postfix check` reads only what all programs share; a server that talks to itself reads its own as well.
CHECK = """for instance in /etc/postfix /etc/postfix-out; do
  postfix -c $instance check || exit 1
  warnings=$(postconf -c $instance 2>&1 >/dev/null)
  [ -z "$warnings" ] || { echo "$warnings"; exit 1; }
  echo QUIT | sendmail -C $instance -bs >/dev/null || {
    journalctl --sync
    journalctl -q -o cat -p err -n 1 -t postfix/smtpd -t postfix-out/smtpd
    exit 1
  }
done"""

OTHER_SESSIONS = 50
"""With postfix-out, beside the forwarder's: releases from the quarantine; as many for our own bounces."""

SESSIONS_SECONDS = 120
"""Where fewer sessions are allowed than are open, nobody is greeted until enough of those have ended."""

GREETED = """python3 -c 'import smtplib; smtplib.SMTP("127.0.0.1", {port}, timeout=3).quit()'"""


def nexthops(site: Site, own_address: object, port: int) -> str:
    """A nexthop list (transport(5)): this host first, then the peers; a drained host comes last."""
    own = [f"[{own_address}]:{port}"]
    peers = [f"[{peer.peer}]:{port}" for peer in site.peers]
    return ", ".join(own + peers if site.me.active else peers + own)


def next_forwarders(site: Site) -> str:
    """The nexthop list of what was accepted here."""
    if not site.exchange.forwarder.hand_over:
        return f"[127.0.0.1]:{ports.FORWARDER}"
    return nexthops(site, "127.0.0.1", ports.FORWARDER)


def standby_choice(site: Site) -> list[str]:
    """What Postfix draws from for each delivery: `here` or `peer`, in the inventory's proportion.

    Empty where all goes to this host first: without peers, without a share, out of service, or where nothing
    is handed over.
    """
    share = site.exchange.failover.standby_share
    if not (share and site.peers and site.me.active and site.exchange.forwarder.hand_over):
        return []
    common = gcd(share, 100)
    return ["here"] * ((100 - share) // common) + ["peer"] * (share // common)


def _unit(name: str, instance: str) -> ManagedFile:
    """What we add to the packaged unit of an instance (its name is that of its directories)."""
    places = {"queue": f"/var/spool/{instance}", "data": f"/var/lib/{instance}"}
    return ManagedFile(f"/etc/systemd/system/{name}.d/twinmx.conf", render("postfix/unit.conf.j2", **places))


def render_inbound(site: Site) -> list[Managed]:
    """The instance that accepts mail from the world."""
    exchange = site.exchange
    values: dict[str, object] = {
        "me": site.me,
        "domains": exchange.domains,
        "messages": exchange.messages,
        "tls": exchange.tls,
        "certificate": tls.CERTIFICATE,
        "key": tls.KEY,
        "snapshot": SNAPSHOT.removesuffix(".lmdb"),
        "changes": str(DELTA.with_suffix("")),
        "socketmap_port": ports.SOCKETMAP,
        "out_port": ports.OUT_OWN,
        "nexthops": (hops := next_forwarders(site)),
        "nexthops_peer_first": ", ".join([*hops.split(", ")[1:], hops.split(", ")[0]]),
        "standby_choice": standby_choice(site),
        "slot_of_each_alias": exchange.forwarder.queue_slots == "alias",
        "deadlines": exchange.deadlines,
        "gate": exchange.gate,
        "gate_port": ports.GATE,
        "disabled": re.escape(DISABLED),
        "mailbox_disabled": re.escape(MAILBOX_DISABLED),
        "canaries": exchange.canary_aliases.values(),
        "exchangers": site.exchanger_addresses,
        "unknown": GONE.decode(),
    }
    tables = ("header_checks.pcre", "srs_shape.pcre", "alias_answers.pcre", "canary_clients.cidr")
    names = ("main.cf", "master.cf", *tables)
    files = [ManagedFile(f"/etc/postfix/{name}", render(f"postfix/{name}.j2", **values)) for name in names]
    return [*files, _unit("postfix.service", "postfix")]


def render_out(site: Site) -> list[Managed]:
    """The instance that sends to the mailbox providers."""
    values: dict[str, object] = {
        "me": site.me,
        "domains": site.exchange.domains,
        "messages": site.exchange.messages,
        "out_port": ports.OUT,
        "sessions": site.exchange.forwarder.workers * forwarder.CONNECTIONS + OTHER_SESSIONS,
        "own_port": ports.OUT_OWN,
        "own_sessions": OTHER_SESSIONS,
        "sockets": signing.SOCKETS,
        "sign_seconds": signing.GREATEST_SECONDS + 2,
        "policies": [f"{ports.DANE}:dane", f"{ports.STS}:postfix"],
        "authorities": delivery.authorities(site),
        "tlsrpt_socket": tlsrpt.SOCKET if site.exchange.tls.reports.send else None,
        "root_anchor": site.exchange.resolver.root_anchor,
        "back": nexthops(site, site.me.address, 25),
        "listeners": {canary_domain(name): host.peer for name, host in site.exchange.exchangers.items()},
        "canary_port": ports.CANARY_SMTP,
    }
    names = ("main.cf", "master.cf", "canary.pcre", "loopback_records.pcre", "loopback_status.pcre")
    files = [
        ManagedFile(f"/etc/postfix-out/{name}", render(f"postfix/out/{name}.j2", **values)) for name in names
    ]
    return [*files, _unit("postfix@out.service", "postfix-out")]


@role("postfix")
def deploy(site: Site) -> None:
    """Configure both instances as one checked set, then bring up the one that sends, then the other."""
    packages("postfix", PACKAGES, at_least=OLDEST)
    inbound, out = render_inbound(site), render_out(site)
    directories = "install -d /var/spool/postfix-out; install -d -o postfix /var/lib/postfix-out"
    checked_files(
        "postfix",
        [*inbound, *out],
        check=f"{directories}\n{CHECK}",
        roots=["/etc/postfix", "/etc/postfix-out"],
    )
    converged_service(
        "postfix@out.service",
        inputs=out,
        healthy=GREETED.format(port=ports.OUT),
        packages=PACKAGES,
        reload=True,
        seconds=SESSIONS_SECONDS,
    )
    listening = GREETED.format(port=25)
    converged_service(
        "postfix.service",
        inputs=[*inbound, *tls.read_files(site)],
        healthy=listening if site.me.active else f"! {listening}",
        packages=PACKAGES,
        reload=True,
    )
