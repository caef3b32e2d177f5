"""Turn an exchange into the hosts pyinfra works on.

Each host carries the whole exchange as plain data, so that `pyinfra … debug-inventory` shows what is in
force and a role needs nothing but its host. Everything is checked here, while the inventory is read:
before pyinfra connects to anything.
"""

import runpy
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import click
from pyinfra.connectors.ssh import connector_data_meta

from inventory.alias_source import DATABASE_HOST
from inventory.load import InventoryError, load_exchange
from inventory.schema import Exchange
from inventory.secrets import missing, the_secrets
from roles.lib.records.keys import published_keys
from roles.lib.records.target import target_of
from twinmx.aliases.inventory import load_aliases
from twinmx.aliases.model import AliasFileError

Hosts = list[tuple[str, dict[str, Any]]]

_facts_alone: ContextVar[bool] = ContextVar("facts_alone", default=False)
"""Whether an inventory file is read for its exchange and for nothing else."""


def command_line_flags() -> dict[str, str]:
    """The `--data key=value` flags of the running pyinfra command, less those meant for its connector.

    Raises InventoryError for a flag without a value, and for one given twice.
    """
    context = click.get_current_context(silent=True)
    given: tuple[str, ...] = (context.params.get("data") if context else None) or ()
    flags: dict[str, str] = {}
    for entry in given:
        key, equals, value = entry.partition("=")
        if key in connector_data_meta:
            continue
        if not equals:
            raise InventoryError(f"--data {entry}: no value; allowed: {entry}=VALUE")
        if key in flags:
            raise InventoryError(f"--data {entry}: {key} is given twice, also as {flags[key]}; allowed: once")
        flags[key] = value
    return flags


def hosts_of(
    facts: str, *, connection: Mapping[str, object], flags: Mapping[str, str] | None = None
) -> tuple[Hosts, Hosts, Hosts]:
    """The exchangers of the YAML file `facts`, the host of their database where there is one to set up,
    and the controller itself (it changes DNS).

    connection: pyinfra's SSH data for every host ("{name}" and "{address}" are filled in).
    flags: as on the command line; taken from there when left out.
    Raises InventoryError before any host is touched.
    """
    exchange = load_exchange(Path(facts), command_line_flags() if flags is None else flags)
    if not _facts_alone.get():
        _check_what_stands_elsewhere(exchange, facts)
    data: dict[str, Any] = {"exchange": exchange.model_dump(mode="json")}
    exchangers = [
        (name, data | {"exchanger": name} | _filled(connection, name, str(host.address)))
        for name, host in exchange.exchangers.items()
    ]
    followed = exchange.followed
    databases = (
        [
            (
                DATABASE_HOST,
                data | {"database": True} | _filled(connection, DATABASE_HOST, str(followed.address)),
            )
        ]
        if followed and followed.managed
        else []
    )
    return exchangers, databases, [("@local", data)]


def exchange_of(inventory: Path) -> Exchange:
    """The exchange of an inventory file (inventory/lab.py), whose secrets and aliases need not exist yet.

    Raises InventoryError; OSError where there is no such file.
    """
    token = _facts_alone.set(True)
    try:
        groups = runpy.run_path(str(inventory)).values()
    finally:
        _facts_alone.reset(token)
    for group in groups:
        for host in group if isinstance(group, list) else ():
            if isinstance(host, tuple) and "exchange" in host[1]:
                return Exchange.model_validate(host[1]["exchange"])
    raise InventoryError(f"{inventory}: no hosts; allowed: a file as inventory/production.py is")


def _check_what_stands_elsewhere(exchange: Exchange, facts: str) -> None:
    """The secrets, what changes DNS and the keys in it, and the aliases, where they come from the file."""
    secrets = the_secrets(exchange.secrets_from)
    if lacking := missing(secrets, exchange):
        raise InventoryError("\n".join(f"{exchange.secrets_from.name}: {line}" for line in lacking))
    if exchange.dns.changes:
        target_of(exchange, secrets)
    published_keys(exchange, secrets)
    if not exchange.followed:
        _check_aliases(exchange, facts)


def _check_aliases(exchange: Exchange, facts: str) -> None:
    try:
        aliases = load_aliases(Path(exchange.aliases_file), exchange.domains)
    except AliasFileError as error:
        raise InventoryError(str(error)) from None
    except OSError as error:
        raise InventoryError(
            f"{facts}: aliases_file: {exchange.aliases_file!r} cannot be read: {error.strerror}"
        ) from None
    ours = {alias.address for alias in exchange.canary_aliases.values()}
    if taken := sorted(ours & {alias.address for alias in aliases}):
        raise InventoryError(
            f"{exchange.aliases_file}: {taken[0]}: the canary's own alias; allowed: any other address"
        )
    known = {alias.address for alias in aliases if alias.enabled and alias.mailboxes_in_use}
    missing = [f"postmaster@{domain}" for domain in exchange.domains if f"postmaster@{domain}" not in known]
    if missing:
        raise InventoryError(
            f"{exchange.aliases_file}: no enabled alias {' and no '.join(missing)}; allowed: one for each "
            "served domain, with a mailbox in use, since every domain takes mail for its postmaster "
            "(RFC 5321, 4.5.1)"
        )
    if exchange.tls.reports.send and exchange.tls_contact.lower() not in known:
        raise InventoryError(
            f"{facts}: tls.reports.contact: {exchange.tls_contact}: no enabled alias; allowed: one of "
            f"{exchange.aliases_file}, with a mailbox in use, since receivers may write to it"
        )


def _filled(connection: Mapping[str, object], name: str, address: str) -> dict[str, object]:
    return {
        key: value.format(name=name, address=address) if isinstance(value, str) else value
        for key, value in connection.items()
    }
