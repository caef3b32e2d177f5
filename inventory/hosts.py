"""Turn an exchange into the hosts pyinfra works on.

Each host carries the whole exchange as plain data, so that `pyinfra … debug-inventory` shows what is in
force and a role needs nothing but its host. Everything is checked here, while the inventory is read:
before pyinfra connects to anything.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from pyinfra.connectors.ssh import connector_data_meta

from inventory.alias_source import DATABASE_HOST
from inventory.load import InventoryError, load_exchange
from inventory.schema import Exchange
from inventory.secrets import load_secrets, receiver_mistakes
from roles.lib.ssh import send_without_delay
from twinmx.aliases.inventory import load_aliases
from twinmx.aliases.model import AliasFileError

Hosts = list[tuple[str, dict[str, Any]]]


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
    secrets = load_secrets(Path(exchange.secrets_file))
    if exchange.dns.server and not secrets.tsig:
        raise InventoryError(
            f"{exchange.secrets_file}: tsig: missing; allowed: the key for updates of dns.server "
            f"({exchange.dns.server} in {facts})"
        )
    if exchange.followed and not secrets.database_password:
        raise InventoryError(
            f"{exchange.secrets_file}: database_password: missing; allowed: the password of "
            f"{exchange.followed.user} in the database (alias_source is postgresql in {facts})"
        )
    if wrong := receiver_mistakes(secrets, exchange.monitors.receivers):
        raise InventoryError("\n".join(f"{exchange.secrets_file}: {line}" for line in wrong))
    if not exchange.followed:
        _check_aliases(exchange, facts)
    send_without_delay()
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


def _filled(connection: Mapping[str, object], name: str, address: str) -> dict[str, object]:
    return {
        key: value.format(name=name, address=address) if isinstance(value, str) else value
        for key, value in connection.items()
    }
