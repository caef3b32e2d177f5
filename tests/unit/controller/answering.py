"""A resolver in this process that answers over UDP what a test says the world holds."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from controller.dns.asking import Question, resolver_at
from controller.dns.checking import Resolvers
from inventory.schema import Exchange
from roles.lib.records.wanted import Wanted

PATIENCE_SECONDS = 30.0  # of a busy machine; who is silent is not waited for that long


@dataclass
class World:
    """What the resolver knows. broken, silent: names for which it answers SERVFAIL, or nothing."""

    sets: dict[Question, list[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    signed: bool = True

    def put(self, name: str, kind: str, *values: str) -> None:
        """Have exactly these values."""
        self.sets[Question(name, kind)] = list(values)

    def drop(self, name: str, kind: str) -> None:
        """Have no such record."""
        del self.sets[Question(name, kind)]

    def answer(self, wire: bytes) -> bytes | None:
        """The answer to a question, None for none."""
        asked = dns.message.from_wire(wire)
        (question,) = asked.question
        name = question.name.to_text(omit_final_dot=True)
        if name in self.silent:
            return None
        answer = dns.message.make_response(asked, recursion_available=True)
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        else:
            self._fill(answer, question.name, dns.rdatatype.to_text(question.rdtype))
        if self.signed:
            answer.flags |= dns.flags.AD
        return answer.to_wire()

    def _fill(self, answer: dns.message.Message, owner: dns.name.Name, kind: str) -> None:
        name = owner.to_text(omit_final_dot=True)
        if kind != "CNAME" and (alias := self.sets.get(Question(name, "CNAME"))):
            answer.answer.append(dns.rrset.from_text_list(owner, 300, "IN", "CNAME", alias))
            owner = dns.name.from_text(alias[0])
            name = owner.to_text(omit_final_dot=True)
        if values := self.sets.get(Question(name, kind)):
            answer.answer.append(dns.rrset.from_text_list(owner, 300, "IN", kind, values))
        elif not any(question.name == name for question in self.sets):
            answer.set_rcode(dns.rcode.NXDOMAIN)


def well(of: Exchange, wanted: Iterable[Wanted], reverse: dict[str, str]) -> World:
    """A world in which everything is as it shall be; reverse: name below arpa → host."""
    world = World({Question(record.name, record.kind): list(record.values) for record in wanted})
    for name, host in reverse.items():
        world.put(name, "PTR", f"{host}.")
    return world


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, world: World) -> None:
        self.world = world

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if answer := self.world.answer(data):
            self.transport.sendto(answer, addr)


@asynccontextmanager
async def resolving(*worlds: World, patience: float = PATIENCE_SECONDS) -> AsyncIterator[Resolvers]:
    """A resolver for each of `worlds`, named first, second …; patience in seconds."""
    loop = asyncio.get_running_loop()
    found = {}
    transports = []
    for name, world in zip(("first", "second"), worlds, strict=False):
        transport, _ = await loop.create_datagram_endpoint(
            lambda world=world: _Protocol(world),  # type: ignore[misc]
            ("127.0.0.1", 0),
        )
        transports.append(transport)
        port = transport.get_extra_info("sockname")[1]
        found[name] = resolver_at("127.0.0.1", port, patience)
    yield found
    for transport in transports:
        transport.close()
