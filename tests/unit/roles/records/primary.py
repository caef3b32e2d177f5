"""A primary name server in this process: transfers and updates with TSIG. The lab has a real Knot."""

import socketserver
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Thread

import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.tsigkeyring
import dns.update

from inventory.secrets import Secrets
from roles.lib.records.target import Primary
from tests.unit.roles.exchanges import TSIG_SECRET, secrets

Key = tuple[dns.name.Name, dns.rdatatype.RdataType]
SOA = "ns.example. hostmaster.example. 1 3600 600 604800 5"


class NameServer:
    """One zone. updates: how many messages have changed it."""

    def __init__(self, zone: str) -> None:
        self.zone = dns.name.from_text(f"{zone}.")
        self.sets: dict[Key, dns.rrset.RRset] = {}
        self.updates = 0
        self.put("@", "NS", "ns.example.")
        self._keyring = dns.tsigkeyring.from_text({"twinmx": TSIG_SECRET})

    def put(self, name: str, kind: str, *values: str, ttl: int = 300) -> None:
        """Have a record set, as somebody else made it; `name` is below the zone, or @."""
        owner = dns.name.from_text(name, self.zone)
        found = dns.rrset.from_text_list(owner, ttl, "IN", kind, values)
        self.sets[owner, found.rdtype] = found

    def values(self, name: str, kind: str) -> set[str]:
        """What stands there, in zone file notation."""
        key = (dns.name.from_text(name, self.zone), dns.rdatatype.from_text(kind))
        return {value.to_text() for value in self.sets.get(key, ())}

    def ttl(self, name: str, kind: str) -> int:
        """Its TTL, in seconds."""
        return self.sets[dns.name.from_text(name, self.zone), dns.rdatatype.from_text(kind)].ttl

    def answer(self, wire: bytes) -> bytes:
        """The answer to one message."""
        asked = dns.message.from_wire(wire, keyring=self._keyring)
        answer = dns.message.make_response(asked)
        if not asked.had_tsig:
            answer.set_rcode(dns.rcode.REFUSED)
        elif isinstance(asked, dns.update.UpdateMessage):
            self.updates += 1
            self._update(asked.update)
        else:
            soa = dns.rrset.from_text(self.zone, 300, "IN", "SOA", SOA)
            answer.answer = [soa, *self.sets.values(), soa]
        return answer.to_wire()

    def _update(self, changes: Iterable[dns.rrset.RRset]) -> None:
        for change in changes:
            key = (change.name, change.rdtype)
            if change.deleting == dns.rdataclass.ANY:
                self.sets.pop(key, None)
                continue
            assert change.deleting is None
            held = self.sets.setdefault(key, dns.rrset.RRset(*key[:1], dns.rdataclass.IN, change.rdtype))
            held.update_ttl(change.ttl)
            for value in change:
                held.add(value, change.ttl)


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while size := self.rfile.read(2):
            answer = self.server.answer(self.rfile.read(int.from_bytes(size)))  # type: ignore[attr-defined]
            self.wfile.write(len(answer).to_bytes(2) + answer)


@contextmanager
def serving(server: NameServer, of: Secrets | None = None) -> Iterator[Primary]:
    """Our way to `server`, while it listens on loopback."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session) as listening:
        listening.answer = server.answer  # type: ignore[attr-defined]
        Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        key = (of or secrets()).tsig
        assert key
        yield Primary(
            "primary",
            "127.0.0.1",
            port=listening.server_address[1],
            key_name=key.name,
            key_secret=key.secret.get_secret_value(),
            key_algorithm=key.algorithm,
            root_ns_warnings=False,
        )
        listening.shutdown()
