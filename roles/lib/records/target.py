"""Who changes the zones: a server by RFC 2136, or any provider of octoDNS that the inventory names."""

import re
from importlib import import_module
from inspect import signature

import dns.query
import dns.rcode
import dns.update
from octodns.provider.base import BaseProvider
from octodns.provider.plan import Plan
from octodns.record import Delete
from octodns.record.rr import Rr
from octodns.record.txt import TxtRecord, TxtValue
from octodns.zone import Zone
from octodns_bind import Rfc2136Provider, Rfc2136ProviderUpdateFailed

from inventory.dns import Provider
from inventory.load import InventoryError
from inventory.masking import masked
from inventory.schema import Exchange
from inventory.secrets import Secrets

SECRET = re.compile("token|secret|password|key")
"""In the name of an option that is one; octoDNS itself does not say which are."""


class Primary(Rfc2136Provider):  # type: ignore[misc]
    """A name server that takes updates and hands out its zone (RFC 2136, RFC 5936, TSIG).

    octoDNS's own writes texts anew that stand beside ours, and loses backslashes and quotes of theirs on the
    way. Here a text that was there goes back exactly as it was read.
    """

    held: dict[tuple[str, str], list[str]]

    def zone_records(self, zone: Zone, target: bool) -> list[Rr]:
        """All records of a zone; kept as they are written there."""
        records: list[Rr] = super().zone_records(zone, target)
        self.held = {}
        for record in records:
            self.held.setdefault((record.name, record._type), []).append(record.rdata)
        return records

    def _apply(self, plan: Plan) -> bool:
        """Send all changes as one update; the server takes all or none (RFC 2136, 3.7)."""
        update = dns.update.UpdateMessage(plan.desired.name, **self._auth_params())
        for change in plan.changes:
            found = change.record.to_rrset()
            values = self._texts(change.record) if found._type == "TXT" else found.rdatas
            if isinstance(change, Delete):
                update.delete(found.name, found._type)
            else:
                update.replace(found.name, found.ttl, found._type, *values)
        answer = dns.query.tcp(update, self.host, port=self.port, timeout=self.timeout)
        if answer.rcode() != dns.rcode.NOERROR:
            raise Rfc2136ProviderUpdateFailed(dns.rcode.to_text(answer.rcode()))
        return True

    def _texts(self, record: TxtRecord) -> list[str]:
        """The values of a set of texts: those that are there already as they are written there."""
        values: list[str] = []
        for value, written in zip(record.values, record.to_rrset().rdatas, strict=True):
            held = self.held.get((record.fqdn, "TXT"), [])
            values += [text for text in held if _internal(text) == value] or [written]
        return values


def _internal(text: str) -> str:
    """What octoDNS makes of a text that it reads."""
    return str(TxtValue.process([TxtValue.from_rdata_text(text)])[0])


def target_of(exchange: Exchange, secrets: Secrets) -> BaseProvider:
    """Who changes the zones of an `exchange` that says so (`dns.changes`); no server is asked yet.

    Raises InventoryError where the provider is not there or does not take its options.
    """
    if exchange.dns.provider:
        return _named(exchange.dns.provider, secrets, exchange.secrets_from.name)
    if secrets.tsig is None:
        raise InventoryError(f"{exchange.secrets_from.name}: tsig_keys: missing, but dns.server is set")
    return Primary(
        "primary",
        str(exchange.dns.server),
        port=exchange.dns.port,
        key_name=secrets.tsig.name,
        key_secret=secrets.tsig.secret.get_secret_value(),
        key_algorithm=secrets.tsig.algorithm,
        root_ns_warnings=False,  # NS is not ours: it stays as it is
    )


def secret_options(provider: Provider) -> list[str]:
    """The secret options that `provider` takes and that the inventory does not give, by their names.

    Raises InventoryError where the provider is not there.
    """
    taken = signature(_class_of(provider.python_class)).parameters
    return [name for name in taken if SECRET.search(name) and name not in provider.options]


def _named(provider: Provider, secrets: Secrets, source: str) -> BaseProvider:
    found = _class_of(provider.python_class)
    hidden = {name: secret.get_secret_value() for name, secret in secrets.dns_provider.items()}
    if twice := sorted(hidden.keys() & provider.options.keys()):
        raise InventoryError(
            f"dns.provider.options.{twice[0]}: stands in the secrets ({source}) too; allowed: once"
        )
    try:
        return found("provider", **provider.options, **hidden)
    except Exception as error:
        raise InventoryError(
            f"dns.provider.options: {provider.python_class} does not take them: {masked(str(error))}; secret "
            f"ones stand under dns_provider in {source}"
        ) from None


def _class_of(path: str) -> type[BaseProvider]:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except ImportError as error:
        raise InventoryError(
            f"dns.provider.python_class: {path}: {error}; allowed: a provider of octoDNS that is installed"
        ) from None
    except AttributeError:
        raise InventoryError(f"dns.provider.python_class: {path}: {module} has no {name}") from None
    if not (isinstance(found, type) and issubclass(found, BaseProvider)):
        raise InventoryError(f"dns.provider.python_class: {path}: no provider of octoDNS")
    return found
