"""What a role knows: the exchange, which of its hosts this is, and the secrets."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pyinfra.context import host

from inventory.schema import Exchange, Exchanger
from inventory.secrets import Secrets, load_secrets


@dataclass(frozen=True)
class Site:
    """One host's view of the exchange."""

    exchange: Exchange
    name: str
    secrets: Secrets

    @property
    def me(self) -> Exchanger:
        """This host."""
        return self.exchange.exchangers[self.name]

    @property
    def peers(self) -> list[Exchanger]:
        """The other exchangers, in MX order."""
        return self.exchange.peers_of(self.name)


_secrets = cache(load_secrets)


def this_site() -> Site:
    """The site of the host that pyinfra prepares now."""
    exchange = this_exchange()
    return Site(exchange, host.data.exchanger, _secrets(Path(exchange.secrets_file)))


def this_exchange() -> Exchange:
    """The exchange that the inventory gave to the host that pyinfra prepares now."""
    return Exchange.model_validate(host.data.exchange)


def is_exchanger() -> bool:
    """Whether the current host carries mail, rather than being the controller."""
    return bool(host.data.get("exchanger"))
