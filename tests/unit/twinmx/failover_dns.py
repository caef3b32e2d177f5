"""A name server in this process, with dnspython's own parsing and TSIG. The lab's tests ask a real Knot."""

import asyncio
from contextlib import suppress

import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import dns.update

DOMAIN = "alias.example"
ZONE = dns.name.from_text(f"{DOMAIN}.")
SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


class NameServer:
    """One zone's MX. `refuses`: an rcode for everything, `refuses_updates` for those alone.

    silent: it takes questions and never answers.

    meanwhile: lines that somebody else puts there just before the next update is looked at.
    """

    def __init__(self, *lines: str) -> None:
        self.mx = dns.rrset.from_text(ZONE, 300, "IN", "MX", *lines)
        self.updates = 0
        self.refuses: dns.rcode.Rcode | None = None
        self.refuses_updates: dns.rcode.Rcode | None = None
        self.silent = False
        self.meanwhile: tuple[str, ...] = ()
        self._keyring = dns.tsigkeyring.from_text({"twinmx": SECRET})

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._server.close()

    @property
    def lines(self) -> set[str]:
        return {mx.to_text() for mx in self.mx}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            size = int.from_bytes(await reader.readexactly(2))
            wire = await reader.readexactly(size)
            if self.silent:
                await reader.read()
                return
            answer = self._answer(wire).to_wire()
            writer.write(len(answer).to_bytes(2) + answer)
        writer.close()

    def _answer(self, wire: bytes) -> dns.message.Message:
        asked = dns.message.from_wire(wire, keyring=self._keyring)
        answer = dns.message.make_response(asked)
        if self.refuses is not None:
            answer.set_rcode(self.refuses)
        elif isinstance(asked, dns.update.UpdateMessage):
            answer.set_rcode(self._update(asked) if asked.had_tsig else dns.rcode.REFUSED)
        else:
            answer.answer.append(self.mx)
        return answer

    def _update(self, asked: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        """RFC 2136, 3.2 and 3.4, for a prerequisite (its TTL is 0) and a replacement of one set."""
        if self.refuses_updates is not None:
            return self.refuses_updates
        if self.meanwhile:
            self.mx = dns.rrset.from_text(ZONE, 300, "IN", "MX", *self.meanwhile)
        if any(rrset.ttl for rrset in asked.prerequisite):
            return dns.rcode.FORMERR
        if {mx.to_text() for rrset in asked.prerequisite for mx in rrset} != self.lines:
            return dns.rcode.NXRRSET
        self.updates += 1
        deleted, *added = asked.update
        assert deleted.deleting == dns.rdataclass.ANY
        assert {rrset.rdtype for rrset in asked.update} == {dns.rdatatype.MX}
        self.mx = dns.rrset.from_rdata_list(ZONE, 300, [mx for rrset in added for mx in rrset])
        return dns.rcode.NOERROR


def dns_of(server: NameServer) -> dict[str, object]:
    """The agent's settings for `server`."""
    return {
        "server": "127.0.0.1",
        "port": server.port,
        "key_name": "twinmx",
        "key_algorithm": "hmac-sha256",
        "ttl": 30,
        "domains": [DOMAIN],
    }
