"""The lab's host of the database: brought up, converged, filled, emptied, asked."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import testinfra

from controller import pyinfra
from controller.rolling import order
from inventory.alias_source import DATABASE_HOST
from lab import ssh
from lab.converging import Pair
from lab.settings import DATABASE
from twinmx.aliases.inventory import load_aliases

SOURCE = {"aliases_from": "postgresql"}
UNIT = "postgresql@17-main.service"
EMPTY = "TRUNCATE aliases, deleted_aliases, disabled_mailboxes, mailbox_changes"

Host = Any  # testinfra has no types


def brought_up(pair: Pair) -> Host:
    """The host of the database, converged to the present tree."""
    subprocess.run([sys.executable, "-m", "lab", "database", "up"], cwd=pyinfra.ROOT, check=True)
    pair.converge(DATABASE_HOST, **SOURCE)
    return testinfra.get_host(f"ssh://{DATABASE.address}", ssh_config=str(ssh.CONFIG), controlpersist=60)


@contextmanager
def followed(pair: Pair) -> Iterator[Host]:
    """The database with the lab's aliases in it, the exchangers following it; then back to the file.

    One exchanger after the other: mail may flow meanwhile.
    """
    host = brought_up(pair)
    sql(host, EMPTY, *lab_aliases(pair))
    try:
        for name in order(pair.exchange):
            pair.converge(name, **SOURCE)
        yield host
    finally:
        for name in order(pair.exchange):
            pair.converge(name)


def lab_aliases(pair: Pair) -> Iterator[str]:
    """The statements that make the aliases of the inventory's file."""
    for alias in load_aliases(pyinfra.ROOT / pair.exchange.aliases_file, pair.exchange.domains):
        mailboxes = ",".join(alias.mailboxes)
        values = f"'{alias.address}', '{alias.account or ''}', {alias.enabled}, '{{{mailboxes}}}'"
        yield f"INSERT INTO aliases (address, account, enabled, mailboxes) VALUES ({values})"
        yield from (f"{disable(mailbox)} ON CONFLICT DO NOTHING" for mailbox in alias.disabled_mailboxes)


def sql(host: Host, *statements: str) -> str:
    """What psql prints for `statements`, run by the administrator each for itself."""
    script = shlex.quote(";\n".join(statements) + ";\n")
    asked = f"printf %s {script} | setpriv --reuid postgres --regid postgres --init-groups"
    return str(host.check_output(f"{asked} psql -X -q -At -v ON_ERROR_STOP=1 aliases"))


def insert(*addresses: str, mailbox: str = "hello@mailbox.example") -> str:
    """The statement that makes aliases which lead to `mailbox`."""
    rows = ", ".join(f"('{address}', '{{{mailbox}}}')" for address in addresses)
    return f"INSERT INTO aliases (address, mailboxes) VALUES {rows}"


def disable(mailbox: str) -> str:
    """The statement after which `mailbox` takes no mail."""
    return f"INSERT INTO disabled_mailboxes VALUES ('{mailbox}')"
