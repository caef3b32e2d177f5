"""DNS-01 (RFC 8555, 8.4): the texts that prove to an authority that a name is ours, by RFC 2136 with TSIG."""

from collections.abc import Mapping, Sequence

import dns.exception
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update

from controller.errors import ControllerError
from inventory.schema import Exchange
from inventory.secrets import Tsig
from roles.lib.records.zones import zone_of, zones_of

TTL_SECONDS = 30
PATIENCE_SECONDS = 10.0
PREFIX = "_acme-challenge"


def challenge_name(name: str) -> str:
    """Where the text for `name` belongs; that of a wildcard is where its domain's is."""
    return f"{PREFIX}.{name.removeprefix('*.')}"


class Texts:
    """Sets and removes the texts; nothing else of a zone is touched."""

    def __init__(self, exchange: Exchange, key: Tsig) -> None:
        self._zones = zones_of(exchange)
        self._place = (str(exchange.dns.server), exchange.dns.port)
        self._key = key

    def set(self, texts: Mapping[str, Sequence[str]]) -> None:
        """Challenge name → its texts, which replace those that are there; raises ControllerError."""
        for name, values in texts.items():
            update = self._update(name)
            update.delete(f"{name}.", "TXT")
            for value in values:
                update.add(f"{name}.", TTL_SECONDS, "TXT", f'"{value}"')
            self._send(name, update)

    def remove(self, names: Sequence[str]) -> None:
        """Take them away; raises ControllerError."""
        for name in names:
            update = self._update(name)
            update.delete(f"{name}.", "TXT")
            self._send(name, update)

    def _update(self, name: str) -> dns.update.UpdateMessage:
        zone = zone_of(name, self._zones)
        if zone is None:
            raise ControllerError(
                f"{name} is in none of our zones ({', '.join(self._zones)}): name its zone in dns.zones"
            )
        keyring = dns.tsigkeyring.from_text({self._key.name: self._key.secret.get_secret_value()})
        return dns.update.UpdateMessage(f"{zone}.", keyring=keyring, keyalgorithm=self._key.algorithm)

    def _send(self, name: str, update: dns.update.UpdateMessage) -> None:
        server, port = self._place
        try:
            answer = dns.query.tcp(update, server, PATIENCE_SECONDS, port)
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise ControllerError(f"{server} cannot be asked to set {name}: {error}") from None
        if code := answer.rcode():
            raise ControllerError(f"{server} does not set {name}: {dns.rcode.to_text(code)}")
