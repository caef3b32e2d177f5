"""Ask the name server whether it takes updates by a key, before anything depends on it."""

import dns.exception
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update

from controller.errors import ControllerError
from inventory.schema import Exchange
from inventory.secrets import Tsig

PATIENCE_SECONDS = 5.0


def refuse_unknown(exchange: Exchange, key: Tsig) -> None:
    """Raise ControllerError unless dns.server takes updates of each served domain that `key` signs.

    What is asked has one prerequisite, that the domain exists, and changes nothing (RFC 2136, 2.4 and 3.3:
    rights are checked all the same). Without dns.server there is nobody to ask.
    """
    if exchange.dns.server is None:
        return
    server, port = str(exchange.dns.server), exchange.dns.port
    keyring = dns.tsigkeyring.from_text({key.name: key.secret.get_secret_value()})
    for domain in exchange.domains:
        asked = dns.update.UpdateMessage(f"{domain}.", keyring=keyring, keyalgorithm=key.algorithm)
        asked.present("@")
        try:
            answer = dns.query.tcp(asked, server, PATIENCE_SECONDS, port)
        except dns.tsig.PeerError as error:
            raise ControllerError(f"{server} does not know the key {key.name} yet: {error}") from None
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise ControllerError(f"{server} cannot be asked about the key {key.name}: {error}") from None
        if code := answer.rcode():
            told = dns.rcode.to_text(code)
            raise ControllerError(f"{server} takes no updates of {domain} by the key {key.name} yet: {told}")
