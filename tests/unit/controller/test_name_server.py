"""Whether a name server takes updates by a key, asked without changing anything."""

import socketserver
import threading
from collections.abc import Iterator

import dns.message
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update
import pytest

from controller.errors import ControllerError
from controller.name_server import refuse_unknown
from inventory.schema import Exchange
from inventory.secrets import Tsig
from tests.unit.roles.exchanges import TSIG_SECRET, exchange

KNOWN = Tsig.model_validate({"name": "twinmx", "secret": TSIG_SECRET})
OTHER = Tsig.model_validate({"name": "other", "secret": TSIG_SECRET})


class Server(socketserver.ThreadingTCPServer):
    """Takes updates by the key `twinmx`; answers `code`, and signs where `signs`."""

    daemon_threads = True
    code = dns.rcode.NOERROR
    signs = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dns.message.Message] = []


class Handler(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        wire = self.rfile.read(int.from_bytes(self.rfile.read(2)))
        keyring = dns.tsigkeyring.from_text({"twinmx": TSIG_SECRET})
        try:
            asked = dns.message.from_wire(wire, keyring=keyring)
        except dns.message.UnknownTSIGKey:
            answer = dns.message.make_response(dns.message.from_wire(wire, keyring=False))
            answer.set_rcode(dns.rcode.NOTAUTH)
            answer.use_tsig(dns.tsigkeyring.from_text({OTHER.name: TSIG_SECRET}), tsig_error=dns.rcode.BADKEY)
        else:
            self.server.asked.append(asked)
            answer = dns.message.make_response(asked)
            answer.set_rcode(self.server.code)
            if not self.server.signs:
                answer.tsig = None
                answer.keyring = None
        told = answer.to_wire()
        self.wfile.write(len(told).to_bytes(2) + told)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def of(server: Server) -> Exchange:
    """An exchange whose name server is `server` (a loopback address is refused in an inventory)."""
    known = exchange()
    asked = known.dns.model_copy(update={"server": "127.0.0.1", "port": server.server_address[1]})
    return known.model_copy(update={"dns": asked})


def test_a_key_that_the_server_takes_is_accepted_and_nothing_is_changed(of: Exchange, server: Server) -> None:
    refuse_unknown(of, KNOWN)

    assert len(server.asked) == len(of.domains)
    for asked in server.asked:
        assert isinstance(asked, dns.update.UpdateMessage)
        assert asked.prerequisite
        assert not asked.update


def test_a_key_that_it_does_not_know_is_refused(of: Exchange) -> None:
    with pytest.raises(ControllerError, match=r"127\.0\.0\.1 does not know the key other yet"):
        refuse_unknown(of, OTHER)


def test_a_key_without_rights_is_refused(of: Exchange, server: Server) -> None:
    server.code = dns.rcode.REFUSED

    with pytest.raises(ControllerError, match=r"takes no updates of alias\.example by the key .* REFUSED"):
        refuse_unknown(of, KNOWN)


def test_an_answer_that_anybody_could_give_does_not_count(of: Exchange, server: Server) -> None:
    server.signs = False

    with pytest.raises(ControllerError, match="requires a TSIG"):
        refuse_unknown(of, KNOWN)


def test_a_server_that_is_away_is_told(of: Exchange, server: Server) -> None:
    server.shutdown()
    server.server_close()

    with pytest.raises(ControllerError, match="cannot be asked about the key twinmx"):
        refuse_unknown(of, KNOWN)


def test_without_a_server_there_is_nobody_to_ask() -> None:
    refuse_unknown(exchange(dns={}), KNOWN)
