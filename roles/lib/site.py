"""What a role knows: the exchange, which of its hosts this is, and the secrets."""

from dataclasses import dataclass
from ipaddress import IPv4Address

from pyinfra.context import host

from inventory.alias_source import DATABASE_HOST, Database
from inventory.schema import Exchange, Exchanger
from inventory.secrets import Secrets, the_secrets


@dataclass(frozen=True)
class Site:
    """One host's view of the exchange."""

    exchange: Exchange
    name: str
    secrets: Secrets

    @property
    def host(self) -> Exchanger | Database:
        """This host, an exchanger or the one with the database of the aliases."""
        return self.database if self.is_database else self.me

    @property
    def is_database(self) -> bool:
        """Whether this is the host of the database, which carries no mail."""
        return self.name == DATABASE_HOST

    @property
    def database(self) -> Database:
        """The database that the aliases come from; a role asks only where they do."""
        followed = self.exchange.followed
        if followed is None:
            raise ValueError("the aliases come from the file: there is no database")
        return followed

    @property
    def exchanger_addresses(self) -> list[IPv4Address]:
        """All addresses from which an exchanger may reach another host of ours."""
        hosts = self.exchange.exchangers.values()
        return sorted({address for host in hosts for address in (host.address, host.peer)})

    @property
    def me(self) -> Exchanger:
        """This host, an exchanger."""
        return self.exchange.exchangers[self.name]

    @property
    def peers(self) -> list[Exchanger]:
        """The other exchangers, in MX order."""
        return self.exchange.peers_of(self.name)


def this_site() -> Site:
    """The site of the host that pyinfra prepares now."""
    exchange = this_exchange()
    return Site(exchange, host.data.get("exchanger") or DATABASE_HOST, the_secrets(exchange.secrets_from))


def this_exchange() -> Exchange:
    """The exchange that the inventory gave to the host that pyinfra prepares now."""
    return Exchange.model_validate(host.data.exchange)


def is_database() -> bool:
    """Whether the current host has the database of the aliases."""
    return bool(host.data.get("database"))


def is_exchanger() -> bool:
    """Whether the current host carries mail, rather than being the controller."""
    return bool(host.data.get("exchanger"))
