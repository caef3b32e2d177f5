"""Converge the exchangers one after another, the least preferred first, with a gate after each.

All hosts restarted at the same moment is how a bad change becomes an outage: here the next host is only
touched when mail has passed through the one before it.
"""

import smtplib
import subprocess
import time
from collections.abc import Mapping, Sequence

from controller import pyinfra
from controller.errors import ControllerError
from controller.report import heading, note
from inventory.alias_source import DATABASE_HOST
from inventory.schema import Exchange, Exchanger

GREETING_SECONDS = 10


def order(exchange: Exchange) -> list[str]:
    """Names of the exchangers, the one with the least mail (highest MX priority number) first."""
    hosts = exchange.exchangers
    return sorted(hosts, key=lambda name: hosts[name].mx_priority, reverse=True)


def greets(exchanger: Exchanger) -> None:
    """Ask an active exchanger, as a sender would, whether it takes mail with STARTTLS."""
    try:
        with smtplib.SMTP(str(exchanger.address), 25, timeout=GREETING_SECONDS) as session:
            session.ehlo()
            encrypted = session.has_extn("starttls")
    except OSError as error:
        raise ControllerError(
            f"{exchanger.fqdn} does not take mail on port 25: {error}\nWhere `mxctl failover status` there "
            "says that it is drained: wait for its return, or end the failover with --data failover=end"
        ) from None
    if not encrypted:
        raise ControllerError(f"{exchanger.fqdn} does not offer STARTTLS")


def run_gate(gate: str, name: str) -> None:
    """Run the operator's own check of one host ({name} is filled in); its exit status decides."""
    text = gate.format(name=name)
    if subprocess.run(text, shell=True, cwd=pyinfra.ROOT, check=False).returncode:  # noqa: S602
        raise ControllerError(f"the gate failed for {name}: {text}")


def converge(inventory: str, exchange: Exchange, flags: Mapping[str, str], gate: str) -> None:
    """Bring the database, if it is ours, all exchangers, then DNS, to what `inventory` says.

    Raises ControllerError at the first host that fails or does not pass its gate; the hosts after it and
    DNS are then untouched.
    """
    names = order(exchange)
    if exchange.followed and exchange.followed.managed:
        heading("the database of the aliases")
        _timed(pyinfra.command(inventory, "-y", limit=DATABASE_HOST, flags=flags))
    for number, name in enumerate(names, 1):
        heading(f"[{number}/{len(names)}] {name}")
        try:
            _timed(pyinfra.command(inventory, "-y", limit=name, flags=flags))
            if exchange.exchangers[name].active:
                greets(exchange.exchangers[name])
                if gate:
                    run_gate(gate, name)
        except ControllerError as error:
            waiting = ", ".join([*names[number:], "DNS"])
            raise ControllerError(
                f"{name}: {error}\nNot touched: {waiting}. Way out: mend the cause and run the same command "
                "again; it goes on where it stopped. To go back, check out the last good revision and run it."
            ) from None
    heading("DNS")
    pyinfra.show(pyinfra.command(inventory, "-y", limit="@local", flags=flags))


def _timed(arguments: Sequence[str]) -> None:
    started = time.monotonic()
    pyinfra.show(arguments)
    note(f"{time.monotonic() - started:.0f} s")
