"""Send one message through each exchanger of a pair and show the way it took, or where it got stuck."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.table import Table

from lab import ssh
from lab.errors import LabError
from lab.hops import seconds_at
from lab.mailbox import Arrived, Mailboxes, new_token
from lab.progress import console
from lab.send import Submitted, message, submit
from lab.services import ABSENT, Service, in_order, log_lines, missing_workers, services_of
from lab.settings import OUTSIDE, PROBE_MAILBOX, LabHost, Pair

ARRIVAL_SECONDS = 60.0
VERDICT_FIELD = "X-Twinmx-Spam"
MAIL_UNITS = ("postfix*", "gate@*", "forwarder@*", "rspamd", "spamd")
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


def _show_log(title: str, fetch: Callable[[], str]) -> None:
    """Print a host's log; a host that cannot be asked says so instead."""
    console.print(title, style="bold", markup=False)
    try:
        shown = fetch()
    except LabError as error:
        shown = error.cause
    console.print(shown or "(nothing)", markup=False, soft_wrap=True)


def _show_loss(sample: Sample) -> None:
    host, submitted = sample.host, sample.submitted
    loss = f"✗ Through {host.fqdn}: the message did not arrive within {ARRIVAL_SECONDS:g} s"
    console.print(loss, style="red", markup=False, soft_wrap=True)
    by_queue_id = f"journalctl --no-pager -q -u postfix -g {submitted.queue_id}; true"
    _show_log(
        f"The sender's log of its queue id {submitted.queue_id}:",
        lambda: ssh.on(OUTSIDE, by_queue_id).strip(),
    )
    _show_log(
        f"The log of {host.fqdn} since then:",
        lambda: log_lines(host, submitted.time, MAIL_UNITS, LOG_LINES),
    )


def _services_by_name(host: LabHost) -> dict[str, Service]:
    try:
        return {service.name: service for service in services_of(host)}
    except LabError as error:
        console.print(f"✗ {host.fqdn}: {error.cause}", style="red", markup=False, soft_wrap=True)
        return {}


def _show_services(hosts: Sequence[LabHost]) -> bool:
    """Print the services of `hosts` side by side; whether all of them are active."""
    seen = {host: _services_by_name(host) for host in hosts}
    table = Table()
    table.add_column("service")
    for host in hosts:
        table.add_column(host.fqdn)
    inactive = [
        f"a {program} on {host.fqdn}"
        for host, services in seen.items()
        for program in missing_workers(services)
    ]
    for name in in_order({name for services in seen.values() for name in services}):
        shown = {host: services.get(name, ABSENT) for host, services in seen.items()}
        cells = [f"[{service.colour}]{service.active}[/], {service.enabled}" for service in shown.values()]
        table.add_row(name, *cells)
        inactive += [f"{name} on {host.fqdn}" for host, service in shown.items() if not service.is_active]
    console.print(table)
    if inactive:
        console.print(f"✗ not active: {', '.join(inactive)}", style="red", soft_wrap=True)
    return not inactive


def probe(pair: Pair, hosts: Sequence[LabHost]) -> bool:
    """Probe each of `hosts`, exchangers of `pair`, and print what was seen; whether all is well."""
    sent = [_send(pair, host) for host in hosts]
    mailboxes = Mailboxes()
    well = True
    for sample in sent:
        try:
            left = max(0.0, sample.submitted.time + ARRIVAL_SECONDS - time.time())
            arrived = mailboxes.wait(sample.token, PROBE_MAILBOX, left)
        except LabError:
            _show_loss(sample)
            well = False
        else:
            _show_route(sample, arrived)
    return _show_services(hosts) and well
