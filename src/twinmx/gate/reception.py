"""One message at the gate, from MAIL to the end of its data.

Whatever fails in here, Postfix is told to go on: a fault of ours never refuses mail, and the forwarder scans
what leaves the gate without a verdict.
"""

import asyncio
import time
from dataclasses import dataclass

import structlog

from twinmx.addresses import canonical
from twinmx.gate.background import Background
from twinmx.gate.metrics import GateMetrics
from twinmx.gate.received import received
from twinmx.gate.recipients import CANARY, Judgement, Recipients
from twinmx.gate.sparing import Sparing
from twinmx.limits.limiter import Admission
from twinmx.milter import answers
from twinmx.milter.session import Client, Mail
from twinmx.spam.chain import SpamChain
from twinmx.spam.sample import Context
from twinmx.spam.verdict import Scored, Unscanned, Verdict, is_spam, seal


@dataclass(frozen=True, slots=True)
class Desk:
    """What all messages of a worker share. `key` seals verdicts; from `reject_score` on is spam."""

    host: str
    key: bytes
    reject_score: float
    recipients: Recipients
    chain: SpamChain
    metrics: GateMetrics
    refusals: Sparing
    background: Background

    def begin(self, client: Client, sender: str) -> "Reception":
        """Start a message of `sender`."""
        return Reception(self, client, sender)


class Reception:
    """A transaction of the milter."""

    def __init__(self, desk: Desk, client: Client, sender: str) -> None:
        self._desk = desk
        self._client = client
        self._sender = sender
        self._recipients: list[str] = []
        self._admissions: list[Admission] = []
        self._for_users = False
        self._log = structlog.get_logger()

    async def recipient(self, address: str) -> bytes:
        """Accept or refuse one recipient, however its address is spelled."""
        address = canonical(address)
        try:
            judgement = await self._desk.recipients.judge(self._sender, address)
        except Exception:
            self._log.exception("a recipient could not be judged", recipient=address)
            judgement = Judgement("error")
        self._desk.metrics.recipients.labels(judgement.outcome).inc()
        if judgement.reply is not None:
            self._note_refusal(address, judgement)
            return answers.refuse(judgement.reply)
        self._recipients.append(address)
        self._for_users = self._for_users or judgement.outcome != CANARY
        if judgement.admission is not None:
            self._admissions.append(judgement.admission)
        return answers.CONTINUE

    async def message(self, mail: Mail) -> bytes:
        """Refuse spam, else have the verdict put on the message."""
        started_at = time.perf_counter()
        verdict: Verdict | None = None
        outcome, answer = "error", answers.CONTINUE
        try:
            verdict = await self._desk.chain.scan(mail.content, self._context(mail))
            outcome, answer = self._decide(verdict, mail.queue_id)
        except Exception:
            self._log.exception("a message could not be judged", queue_id=mail.queue_id)
        if outcome == "spam":
            self._desk.background.start(self.abandon())
        self._report(mail, outcome, verdict, time.perf_counter() - started_at)
        return answer

    async def abandon(self) -> None:
        """Take back what was counted for this message."""
        admissions, self._admissions = self._admissions, []
        await asyncio.gather(*(self._desk.recipients.release(admission) for admission in admissions))

    def _decide(self, verdict: Verdict, queue_id: str) -> tuple[str, bytes]:
        desk = self._desk
        if is_spam(verdict, desk.reject_score):
            return "spam", answers.refuse(f"550 5.7.1 this message was taken for spam, ref {queue_id or '-'}")
        if not queue_id:  # a verdict could not be tied to this message
            return "unsealed", answers.CONTINUE
        field = answers.put_header(*seal(verdict, desk.reject_score, desk.key, queue_id))
        return "unscanned" if isinstance(verdict, Unscanned) else "accepted", field + answers.CONTINUE

    def _context(self, mail: Mail) -> Context:
        client = self._client
        return Context(
            sender=self._sender,
            recipients=tuple(self._recipients),
            client_address=client.address,
            client_name=client.name,
            helo=client.helo,
            queue_id=mail.queue_id,
            received=received(self._desk.host, client, mail.queue_id, self._recipients),
        )

    def _note_refusal(self, address: str, judgement: Judgement) -> None:
        if judgement.outcome.startswith("over"):
            self._desk.metrics.count_limited(judgement.owner)
        omitted = self._desk.refusals.allows()
        if omitted is not None:
            self._log.info(
                "recipient refused",
                outcome=judgement.outcome,
                reply=judgement.reply,
                recipient=address,
                account=judgement.account,
                sender=self._sender,
                client=self._client.address,
                omitted=omitted,
            )

    def _report(self, mail: Mail, outcome: str, verdict: Verdict | None, seconds: float) -> None:
        self._desk.metrics.count(outcome if self._for_users else CANARY, seconds if self._for_users else None)
        self._log.info(
            "message",
            queue_id=mail.queue_id,
            outcome=outcome,
            recipient=self._recipients,
            sender=self._sender,
            client=self._client.address,
            helo=self._client.helo,
            size=mail.size,
            engine=verdict.engine if isinstance(verdict, Scored) else None,
            score=verdict.score if isinstance(verdict, Scored) else None,
            unscanned=verdict.reason if isinstance(verdict, Unscanned) else None,
            seconds=round(seconds, 4),
        )
