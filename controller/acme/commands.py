"""`twinmx certificates plan` and `renew`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import dns.resolver
import typer
from rich.console import Console

from controller import pyinfra
from controller.acme import renewing
from controller.acme.challenges import Texts
from controller.errors import ControllerError
from controller.usage import Inventory, OneForAnyError, told
from inventory.hosts import exchange_of
from inventory.schema import Exchange
from inventory.secrets import load_secrets
from roles.lib.records.keys import spki_of
from roles.lib.records.tlsa import PREFIX, tlsa_value

app = typer.Typer(help="The exchangers' certificates, by ACME: what is due, renew it.", no_args_is_help=True)

NextKey = Annotated[
    bool, typer.Option("--next-key", help="Change to dns.dane.next_key, once it is in DNS for two TTLs.")
]


def _exchange(inventory: str) -> Exchange:
    """The exchange, whose certificates and keys need not exist yet: they are what is ordered here."""
    exchange = exchange_of(Path(inventory))
    if exchange.tls.acme is None:
        raise ControllerError(
            f"{inventory}: tls.acme is not set: renew the files of tls.certificate yourself"
        )
    if exchange.dns.server is None:
        raise ControllerError(
            f"{inventory}: tls.acme: dns.server is not set; allowed: with a name server that takes updates, "
            "since the proof is DNS-01. Else leave tls.acme out, and renew tls.certificate yourself"
        )
    return exchange


def _say(text: str) -> None:
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


@app.command(cls=OneForAnyError)
def plan(inventory: Inventory) -> None:
    """Show which certificates are due, and why. Exit status: 0 none, 2 some, 1 an error."""
    due = False
    with told():
        for one in renewing.wanted(_exchange(inventory), pyinfra.ROOT, datetime.now(UTC)):
            _say(f"{one.host}: {one.reason or 'good'}")
            due = due or bool(one.reason)
    raise typer.Exit(2 if due else 0)


@app.command(cls=OneForAnyError)
def renew(inventory: Inventory, next_key: NextKey = False) -> None:
    """Order what is due. A converge brings it to the hosts, where programs reload and none restarts.

    Exit status: 0 all are good (renewed ones are named), 1 an error; those before it are kept.
    """
    with told():
        _renew(_exchange(inventory), pyinfra.ROOT, next_key=next_key)


def _renew(exchange: Exchange, root: Path, *, next_key: bool) -> None:
    from controller.acme.ordering import Authority  # noqa: PLC0415 (no other command has to wait for it)

    acme, tsig = exchange.tls.acme, load_secrets(exchange.secrets_from).tsig
    assert acme
    if tsig is None:
        raise ControllerError(
            f"{exchange.secrets_from.name}: tsig_keys is missing: {exchange.dns.server} asks for it"
        )
    due = [one for one in renewing.wanted(exchange, root) if one.reason or next_key]
    if not due:
        _say("all certificates are good")
        return
    following = _all_following(exchange, root, [one.host for one in due]) if next_key else {}
    authority = Authority(acme, renewing.account_key(root / acme.account_key))
    texts = Texts(exchange, tsig)
    for one in due:
        chosen = following.get(one.host, one.key)
        chain = authority.certificate(one.names, renewing.kept_key(chosen), texts)
        if one.host in following:
            renewing.take_next_key(chosen, one.key)
        renewing.write(one.certificate, chain)
        _say(f"{one.host}: {one.certificate} renewed ({one.reason or 'next key'})")
    _say("now converge: the hosts get them, and reload")


def _all_following(exchange: Exchange, root: Path, names: Sequence[str]) -> dict[str, Path]:
    """Exchanger → its next key, drawn where there is none; ControllerError where it is too early for any."""
    if exchange.dns.dane.next_key is None:
        raise ControllerError("dns.dane.next_key is not set: there is no next key")
    following, early = {}, []
    for name in names:
        try:
            following[name] = _following(exchange, root, name, exchange.dns.dane.next_key)
        except ControllerError as error:
            early.append(str(error))
    if early:
        raise ControllerError("\n".join(early))
    return following


def _following(exchange: Exchange, root: Path, name: str, pattern: str) -> Path:
    fqdn = exchange.exchangers[name].fqdn
    path = root / pattern.format(fqdn=fqdn)
    renewing.kept_key(path)
    published = tlsa_value(spki_of(path.read_bytes())) in _published(exchange, fqdn)
    if wait := renewing.ripe(path, published=published, ttl=exchange.dns.ttl):
        raise ControllerError(
            f"{name}: the next key may be used in {wait:.0f} s, two TTLs after it was published"
        )
    return path


def _published(exchange: Exchange, fqdn: str) -> set[str]:
    """The TLSA records that the primary name server holds."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [str(exchange.dns.server)], exchange.dns.port
    try:
        return {value.to_text() for value in resolver.resolve(f"{PREFIX}.{fqdn}.", "TLSA")}
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return set()
    except dns.exception.DNSException as error:
        raise ControllerError(f"{exchange.dns.server} cannot be asked about {fqdn}: {error}") from None
