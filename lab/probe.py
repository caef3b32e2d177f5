"""Send one message through each exchanger of a pair and show the way it took, or where it got stuck."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from lab import ssh
from lab.errors import LabError
from lab.hops import seconds_at
from lab.mailbox import Arrived, Mailboxes, new_token
from lab.progress import console
from lab.send import Submitted, message, submit
from lab.services import ABSENT, log_lines, services_of
from lab.settings import OUTSIDE, PROBE_MAILBOX, LabHost, Pair

ARRIVAL_SECONDS = 60.0
VERDICT_FIELD = "X-Twinmx-Spam"
MAIL_UNITS = ("postfix*", "forwarder@*", "rspamd", "spamd")
LOG_LINES = 25


@dataclass(frozen=True)
class Sample:
    """One message on its way through `host`."""

    host: LabHost
    token: str
    submitted: Submitted


def parse_verdict(field: str | None) -> dict[str, str]:
    """The parts of a verdict field: `name=value` pairs between semicolons; empty without a field."""
    parts = (part.strip().partition("=") for part in re.split(r";\s*", field or ""))
    return {name: value for name, separator, value in parts if separator}


def _send(pair: Pair, host: LabHost) -> Sample:
    token = new_token()
    content = message(token, pair.probe_alias)
    return Sample(host, token, submit(content, [pair.probe_alias], through=host))


def _show_route(sample: Sample, arrived: Arrived) -> None:
    total = arrived.time - sample.submitted.time
    verdict = parse_verdict(arrived.field(VERDICT_FIELD))
    scanned = (
        f"engine {verdict.get('engine', 'none')}, score {verdict.get('score', '-')}, "
        f"scanned in {verdict.get('seconds', '-')} s"
    )
    console.print(f"[bold]Through {sample.host.fqdn}: {total:.2f} s[/bold], {scanned}", soft_wrap=True)
    table = Table()
    for column in "from", "by", "with":
        table.add_column(column, overflow="fold")
    table.add_column("seconds", justify="right")
    for position, hop in enumerate(arrived.hops):
        seconds = seconds_at(arrived.hops, position)
        table.add_row(hop.source, hop.by, hop.protocol, "" if seconds is None else str(seconds))
    console.print(table)


def _show_loss(sample: Sample, error: LabError) -> None:
    host, submitted = sample.host, sample.submitted
    console.print(f"[red]✗ Through {host.fqdn}: {error.cause}[/red]")
    outside = ssh.on(OUTSIDE, f"journalctl --no-pager -q -u postfix -g {submitted.queue_id}; true")
    console.print(f"The sender's log of its queue id {submitted.queue_id}:", style="bold")
    console.print(outside.strip(), markup=False)
    console.print(f"The log of {host.fqdn} since then:", style="bold")
    console.print(log_lines(host, submitted.time, MAIL_UNITS, LOG_LINES), markup=False)


def _show_services(hosts: Sequence[LabHost]) -> bool:
    """Print the services of `hosts` side by side; whether all of them are active."""
    seen = {host: {service.name: service for service in services_of(host)} for host in hosts}
    names = list(dict.fromkeys(name for services in seen.values() for name in services))
    table = Table()
    table.add_column("service")
    for host in hosts:
        table.add_column(host.fqdn)
    for name in names:
        shown = [services.get(name, ABSENT) for services in seen.values()]
        table.add_row(
            name, *(f"[{service.colour}]{service.active}[/], {service.enabled}" for service in shown)
        )
    console.print(table)
    return all(services.get(name, ABSENT).is_active for services in seen.values() for name in names)


def probe(pair: Pair, hosts: Sequence[LabHost]) -> bool:
    """Probe each of `hosts`, exchangers of `pair`, and print what was seen; whether all is well."""
    sent = [_send(pair, host) for host in hosts]
    mailboxes = Mailboxes()
    well = True
    for sample in sent:
        try:
            arrived = mailboxes.wait(sample.token, PROBE_MAILBOX, ARRIVAL_SECONDS)
        except LabError as error:
            _show_loss(sample, error)
            well = False
        else:
            _show_route(sample, arrived)
    return _show_services(hosts) and well
