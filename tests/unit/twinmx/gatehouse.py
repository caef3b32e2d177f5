"""A whole gate between a test, which is the MTA, and the engines that the test makes."""

from collections.abc import Set
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from tests.unit.twinmx.mta import Mta
from twinmx.aliases.snapshot import Snapshot
from twinmx.gate.background import Background
from twinmx.gate.metrics import GateMetrics
from twinmx.gate.reception import Desk
from twinmx.gate.recipients import Recipients
from twinmx.gate.sparing import Sparing
from twinmx.limits.limiter import Limiter
from twinmx.limits.settings import Limits
from twinmx.milter.server import MilterServer
from twinmx.spam.build import chain_of
from twinmx.spam.settings import Spam

KEY = b"k" * 32
ALIAS_LIMIT, MAILBOX_LIMIT = 3, 5
HELLO = "hello@alias.example"
OVER = "550 5.2.1 too many messages"


class Gatehouse:
    """The gate; `start` it when the engines are there. It counts in its own memory: there is no Valkey."""

    def __init__(self, tmp_path: Path, snapshot: Path) -> None:
        self.valkey = tmp_path / "no-valkey"
        self.snapshot = snapshot
        self.engines: dict[str, Any] = {}
        self.registry = CollectorRegistry()

    async def start(self, *, limited: bool = True, canaries: Set[str] = frozenset()) -> None:
        self.reader = Snapshot(self.snapshot)
        spam = {"engines": list(self.engines), "total_seconds": 0.6, "reject_score": 15, **self.engines}
        self.chain = chain_of(Spam.model_validate(spam | {"max_scan_bytes": 1 << 16}), self.registry)
        limits = Limits.model_validate(
            {
                "alias": {"count": ALIAS_LIMIT, "window_seconds": 600},
                "mailbox": {"count": MAILBOX_LIMIT, "window_seconds": 600},
                "answer": 550,
                "text": "5.2.1 too many messages",
                "valkey": {"socket": str(self.valkey), "wait_seconds": 0.2},
            }
        )
        self.limiter = Limiter(limits, "secret", self.registry)
        recipients = Recipients(
            self.reader,
            self.limiter if limited else None,
            disabled_text="5.1.1 switched off",
            mailbox_disabled_text="5.2.1 nobody in",
            limit_text=limits.text,
            canaries=canaries,
        )
        self.metrics = GateMetrics(self.registry)
        self.desk = Desk(
            "mx1.example", KEY, 15, recipients, self.chain, self.metrics, Sparing(2), Background()
        )
        self.server = MilterServer(self.desk.begin, (1 << 16) + 1)
        await self.server.listen("127.0.0.1", 0)

    async def stop(self) -> None:
        await self.server.stop(1, idle_seconds=0)
        await self.desk.background.close(1)
        await self.limiter.close()
        await self.chain.close()
        self.reader.close()

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"twinmx_gate_{name}", labels) or 0


async def mta_of(gate: Gatehouse) -> Mta:
    return await Mta.connect(gate.server.port)


async def sent(gate: Gatehouse, *recipients: str, queue_id: bytes = b"4bXyZ1") -> list[tuple[bytes, bytes]]:
    mta = await mta_of(gate)
    await mta.mail()
    for recipient in recipients or (HELLO,):
        assert await mta.rcpt(recipient) == "go on"
    answers = await mta.data(queue_id=queue_id)
    mta.close()
    return answers


async def rcpt(gate: Gatehouse, recipient: str) -> str:
    """The answer to RCPT in a transaction that is then broken off."""
    mta = await mta_of(gate)
    await mta.mail()
    answer = await mta.rcpt(recipient)
    mta.close()
    return answer
