"""A whole forwarder between a test and a sink, with the engines that the test makes."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from prometheus_client import Counter

from tests.unit.twinmx.peers import Raw, Sink
from twinmx.aliases.snapshot import Snapshot
from twinmx.forwarder.alone import Alone
from twinmx.forwarder.delivered import VERB, Delivered
from twinmx.forwarder.delivery import Delivery, Policy, Scanner
from twinmx.forwarder.latelimit import LateLimit
from twinmx.forwarder.metrics import ForwarderMetrics
from twinmx.forwarder.onward import Onward
from twinmx.forwarder.peers import Peers
from twinmx.forwarder.routing import Router
from twinmx.forwarder.trace import Trace
from twinmx.limits.settings import Limits as RateLimits
from twinmx.quarantine import Quarantine
from twinmx.smtp.dialogue import Limits
from twinmx.smtp.pool import Pool
from twinmx.smtp.server import Server
from twinmx.spam.build import chain_of
from twinmx.spam.settings import Spam
from twinmx.srs import Srs

KEY = b"k" * 32
SRS = Srs([KEY], 30)
MESSAGE = b"From: a@sender.example\r\nSubject: hi\r\n\r\nbody\r\n"


class World:
    """The forwarder; `start` it when the engines are there."""

    def __init__(self, tmp_path: Path, snapshot: Path, sink: Sink) -> None:
        self.snapshot, self.sink = snapshot, sink
        self.quarantine = tmp_path / "quarantine"
        self.quarantine.mkdir(parents=True)
        self.delivered_directory = tmp_path / "delivered"
        self.delivered_directory.mkdir()
        self.metrics = ForwarderMetrics()
        self.engines: dict[str, Any] = {}
        self.reinject_port = 0
        self.peer_port = 0
        self.limits: RateLimits | None = None
        self.canaries: frozenset[str] = frozenset()
        self.alone: Alone | None = None

    async def start(
        self, *, total_seconds: float = 5.0, reinject_seconds: float = 2.0, grace_seconds: float = 2.0
    ) -> None:
        spam = Spam.model_validate(
            {
                "engines": list(self.engines),
                "total_seconds": 0.6,
                "reject_score": 15,
                "max_scan_bytes": 1 << 20,
                **self.engines,
            }
        )
        self.reader = Snapshot(self.snapshot)
        self.chain = chain_of(spam, self.metrics.registry)
        self.pool = Pool("127.0.0.1", self.reinject_port or self.sink.port, "mx1.alias.example", 2)
        self.limit = LateLimit(self.limits, "secret", self.metrics.registry) if self.limits else None
        delivered = Delivered(self.delivered_directory)
        peers = Peers(["127.0.0.1"] if self.peer_port else [], self.peer_port, "mx1.alias.example", 0.5)
        self.server = Server(
            "mx1.alias.example",
            Delivery(
                Policy(total_seconds, grace_seconds, 15.0),
                Router(self.reader, SRS, {"alias.example"}, self.canaries),
                Trace("mx1.alias.example", [KEY]),
                Scanner(self.chain, [KEY]),
                Quarantine(self.quarantine),
                Onward(self.pool, reinject_seconds, delivered, peers),
                self.metrics,
                self.limit,
                self.alone,
            ),
            clients=[ip_network("127.0.0.0/8")],
            limits=Limits(30 << 20, 1, 30, 60 << 20),
            max_connections=10,
            verbs={VERB: delivered.command},
        )
        await self.server.listen("127.0.0.1", 0)

    async def stop(self) -> None:
        await self.server.stop(1)
        self.pool.close()
        await self.chain.close()
        if self.limit is not None:
            await self.limit.close()
        self.reader.close()

    async def send(
        self, message: bytes = MESSAGE, to: str = "hello@alias.example", sender: str = "a@sender.example"
    ) -> str:
        """Send by raw SMTP, as Postfix does; returns the reply to the message."""
        raw = await Raw.connect(self.server.port)
        await raw.ask("EHLO mx1.alias.example")
        await raw.ask("XFORWARD NAME=out.sender.example ADDR=203.0.113.9 HELO=out IDENT=4bXyZ1")
        utf8 = "" if (sender + to).isascii() else " SMTPUTF8"
        lines = f"MAIL FROM:<{sender}>{utf8}\r\nRCPT TO:<{to}>\r\nDATA\r\n"
        await raw.send(lines.encode())
        assert [reply[:3] for reply in await raw.replies(3)] == ["250", "250", "354"]
        stuffed = (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:]
        await raw.send(stuffed + b".\r\n")
        reply = await raw.reply()
        raw.close()
        return reply

    def outcomes(self) -> dict[str, float]:
        return self._counted(self.metrics.messages, "outcome")

    def scanned(self) -> dict[str, float]:
        return self._counted(self.metrics.scanned, "by")

    def _counted(self, counter: Counter, label: str) -> dict[str, float]:
        return {
            sample.labels[label]: sample.value
            for metric in counter.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }

    def delivered(self) -> bytes:
        (envelope,) = self.sink.accepted
        assert isinstance(envelope.content, bytes)
        return envelope.content


def header(message: bytes, name: str) -> str:
    head = message.partition(b"\r\n\r\n")[0]
    match = re.search(rb"(?im)^%b: ([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)" % name.encode(), head)
    assert match is not None, head
    return match[1].replace(b"\r\n\t", b" ").strip().decode()
