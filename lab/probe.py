"""Send one message through each exchanger of a pair and show the way it took, or where it got stuck."""

import re
from dataclasses import dataclass

from rich.table import Table

from lab import ssh
from lab.errors import LabError
from lab.hops import seconds_at
from lab.mailbox import Arrived, Mailboxes, new_token
from lab.progress import console
from lab.send import Submitted, message, submit
from lab.services import log_lines, services_of
from lab.settings import OUTSIDE, PROBE_MAILBOX, LabHost, Pair

ARRIVAL_SECONDS = 60.0
VERDICT_FIELD = "X-Twinmx-Spam"
MAIL_UNITS = ("postfix*", "forwarder@*", "rspamd", "spamd")
LOG_LINES = 25


@dataclass(frozen=True)
class Probe:
    """One message on its way through `host`."""

    host: LabHost
    token: str
    submitted: Submitted


def parse_verdict(field: str | None) -> dict[str, str]:
    """The parts of a verdict field: `name=value` pairs between semicolons; empty without a field."""
    parts = (part.strip().partition("=") for part in re.split(r";\s*", field or ""))
    return {name: value for name, separator, value in parts if separator}


def _send(pair: Pair, host: LabHost) -> Probe:
    token = new_token()
    content = message(token, pair.probe_alias)
    return Probe(host, token, submit(content, [pair.probe_alias], through=host))


def _show_route(probe: Probe, arrived: Arrived) -> None:
    total = arrived.time - probe.submitted.time
    verdict = parse_verdict(arrived.field(VERDICT_FIELD))
    scanned = (
        f"engine {verdict.get('engine', 'none')}, score {verdict.get('score', '-')}, "
        f"scanned in {verdict.get('seconds', '-')} s"
    )
    table = Table(title=f"Through {probe.host.fqdn}: {total:.2f} s, {scanned}", title_justify="left")
    for column in "from", "by", "with":
        table.add_column(column, overflow="fold")
    table.add_column("seconds", justify="right")
    for position, hop in enumerate(arrived.hops):
        seconds = seconds_at(arrived.hops, position)
        table.add_row(hop.source, hop.by, hop.protocol, "" if seconds is None else str(seconds))
    console.print(table)


def _show_loss(probe: Probe, error: LabError) -> None:
    host, submitted = probe.host, probe.submitted
    console.print(f"[red]✗ Through {host.fqdn}: {error.cause}[/red]")
    outside = ssh.on(OUTSIDE, f"journalctl --no-pager -q -u postfix -g {submitted.queue_id}; true")
    console.print(f"The sender's log of its queue id {submitted.queue_id}:", style="bold")
    console.print(outside.strip(), markup=False)
    console.print(f"The log of {host.fqdn} since then:", style="bold")
    console.print(log_lines(host, submitted.time, MAIL_UNITS, LOG_LINES), markup=False)


def _show_services(pair: Pair) -> bool:
    """Print both hosts' services side by side; whether all of them are active."""
    seen = {host: {service.name: service for service in services_of(host)} for host in pair.hosts}
    names = list(dict.fromkeys(name for services in seen.values() for name in services))
    table = Table(title=f"Services of the pair {pair.name}", title_justify="left")
    table.add_column("service")
    for host in pair.hosts:
        table.add_column(host.fqdn)
    for name in names:
        cells = []
        for host in pair.hosts:
            service = seen[host].get(name)
            colour = "green" if service and service.active == "active" else "red"
            cells.append(f"[{colour}]{service.active}[/], {service.enabled}" if service else "[red]absent[/]")
        table.add_row(name, *cells)
    console.print(table)
    return all(
        name in services and services[name].active == "active" for services in seen.values() for name in names
    )


def probe_pair(pair: Pair) -> bool:
    """Probe each exchanger of `pair` and print what was seen; whether all is well."""
    sent = [_send(pair, host) for host in pair.hosts]
    mailboxes = Mailboxes()
    well = True
    for probe in sent:
        try:
            arrived = mailboxes.wait(probe.token, PROBE_MAILBOX, ARRIVAL_SECONDS)
        except LabError as error:
            _show_loss(probe, error)
            well = False
        else:
            _show_route(probe, arrived)
    return _show_services(pair) and well
