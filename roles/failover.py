"""The failover agent: it takes this host out of service while it is sick and its peer is not.

Port: 20462 on the peer link (metrics, /state, promises to the other agents, status page); a socket in
/run/twinmx for operators. It reads what queues, canary, gate and forwarder expose, closes port 25 in a table
of its own beside the firewall's, and changes the MX of the zones that dns keeps. In both incidents a human
had to act, and came late (docs/adr/0015).
"""

import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.server import Command

from roles.forwarder import DRAIN_DIRECTORY, SRS_KEYS, keys_file
from roles.lib import ports
from roles.lib.agents import ASK, END, UNDRAIN, Standing
from roles.lib.changes import Kept, StepChange
from roles.lib.converge import converged_service
from roles.lib.files import checked_files
from roles.lib.managed import Managed, ManagedFile
from roles.lib.render import render
from roles.lib.role import role
from roles.lib.site import Site
from roles.lib.telling import tell
from roles.release import CURRENT, current_link

SETTINGS = "/etc/twinmx/failover.toml"
TSIG = "/etc/twinmx/credentials/tsig"
STATE = "/var/lib/twinmx/failover"
OVERRIDES = "/var/lib/twinmx/overrides"
UNIT = "failover.service"
PROGRAM = f"{CURRENT}/bin/twinmx-failover"
WORKER = 1  # there is one on a host
LONGEST_PATIENCE_SECONDS = 2.0


def render_files(site: Site) -> list[Managed]:
    """Settings, unit, and the key of DNS updates where there is a server for them."""
    exchange = site.exchange
    period = exchange.failover.period_seconds
    hosts = sorted(exchange.exchangers.items(), key=lambda item: item[1].mx_priority)
    addresses = {
        address
        for host in exchange.exchangers.values()
        for address in (host.address, host.address6, host.peer)
        if address
    }
    settings = render(
        "failover/failover.toml.j2",
        exchange=exchange,
        rules=exchange.failover.rules,
        monitors=exchange.monitors,
        name=site.name,
        me=site.me,
        hosts=hosts,
        exempt=sorted(str(address) for address in addresses),
        metrics_base=ports.FAILOVER - WORKER,
        forwarders_base=ports.METRICS_BASE,
        gates_base=ports.GATE_METRICS_BASE,
        queues_port=ports.QUEUES_METRICS,
        canary_port=ports.CANARY_METRICS,
        overrides=f"{OVERRIDES}/engines.json",
        patience_seconds=min(LONGEST_PATIENCE_SECONDS, 0.8 * period),
        tsig=site.secrets.tsig if exchange.dns.server else None,
        state=STATE,
        runtime=DRAIN_DIRECTORY,
    )
    unit = render(
        "failover/failover.service.j2",
        program=PROGRAM,
        worker=WORKER,
        keys=SRS_KEYS,
        tsig=TSIG if exchange.dns.server else None,
        overrides=OVERRIDES,
    )
    return [ManagedFile(SETTINGS, settings), ManagedFile(f"/etc/systemd/system/{UNIT}", unit), *_key(site)]


def _key(site: Site) -> list[Managed]:
    if site.exchange.dns.server is None:
        return []
    if site.secrets.tsig is None:
        raise ValueError(f"{site.exchange.secrets_from.name}: tsig_keys: missing, but dns.server is set")
    secret = site.secrets.tsig.secret.get_secret_value()
    return [ManagedFile(TSIG, f"{secret}\n", mode="0400", secret=True)]


@operation()
def _ended(exchanger: str) -> Generator[StringCommand, None, None]:
    """Have the agent take back what it did by itself, if there is anything."""
    found = Standing()
    found.take(exchanger, host.get_fact(Command, f"{ASK} || true") or "")
    if found.silent:
        tell(Kept(what=f"{exchanger}: nothing is ended", why="its agent cannot be asked"))
    if found.ordered:
        tell(Kept(what=f"{exchanger}: it stays drained", why="by an order", end=UNDRAIN))
    if done := found.by_itself.get(exchanger):
        tell(StepChange(text=f"{exchanger}: its agent ends {', '.join(done)}"))
        yield StringCommand(f"sh -c {shlex.quote(END)}")


@role("failover")
def deploy(site: Site) -> None:
    """Run it on the current release. A drain that is in force outlives the restart, unless it is to end."""
    files = render_files(site)
    absent = [] if site.exchange.dns.server else [TSIG]
    checked_files(
        "failover", files, check=f"{PROGRAM} --settings $CANDIDATE{SETTINGS} --check", absent=absent
    )
    converged_service(
        UNIT,
        inputs=[*files, keys_file(site), current_link()],
        healthy=f"curl --silent --fail --max-time 2 http://{site.me.peer}:{ports.FAILOVER}/healthz",
    )
    if site.exchange.failover.under_way == "end":
        _ended(exchanger=site.name, name="failover: ended")
