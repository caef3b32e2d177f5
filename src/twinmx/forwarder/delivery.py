"""One message: route, loop check, scan, marks, and on to postfix-out.

The reply is what makes or breaks "nothing is lost": 250 only after postfix-out's 250 (or when the
quarantine is on disk), a refusal of postfix-out as it came, and 451 whenever we do not know better.
"""

import asyncio
import time
from dataclasses import asdict, dataclass, replace

import structlog

from twinmx import headers
from twinmx.aliases.snapshot import SnapshotError
from twinmx.forwarder.metrics import ForwarderMetrics
from twinmx.forwarder.routing import Refused, Route, Router
from twinmx.forwarder.trace import Trace, queue_id
from twinmx.quarantine import Quarantine
from twinmx.smtp.client import Outcome, TransactionError
from twinmx.smtp.envelope import Envelope, Reply
from twinmx.smtp.pool import Pool, UnreachableError
from twinmx.spam import verdict as verdicts
from twinmx.spam.chain import SpamChain
from twinmx.spam.sample import Context
from twinmx.spam.verdict import Scored, Unscanned, Verdict

_TROUBLE = Reply(451, "4.3.0", "temporary failure of ours, try again")
_TOO_LATE = Reply(451, "4.4.2", "not done in time, try again")


@dataclass(frozen=True, slots=True)
class Policy:
    """Bounds of a delivery: seconds in all and for postfix-out, and the score of the quarantine."""

    total_seconds: float
    reinject_seconds: float
    reject_score: float


@dataclass(slots=True)
class _Result:
    """What is known of a delivery so far, for the log line at its end."""

    queue_id: str
    outcome: str = "error"
    reply: Reply = _TROUBLE
    route: Route | None = None
    verdict: Verdict | None = None
    detail: str | None = None


class Delivery:
    """Handles messages; an instance is the handler of the SMTP server."""

    def __init__(
        self,
        policy: Policy,
        router: Router,
        trace: Trace,
        chain: SpamChain,
        quarantine: Quarantine,
        pool: Pool,
        metrics: ForwarderMetrics,
    ) -> None:
        self._policy = policy
        self._router = router
        self._trace = trace
        self._chain = chain
        self._quarantine = quarantine
        self._pool = pool
        self._metrics = metrics
        self._log = structlog.get_logger()

    async def __call__(self, envelope: Envelope, message: bytes) -> Reply:
        """Deliver to the one recipient of `envelope`; the server admits one a transaction.

        So the reply to a message is the reply for its recipient, and no success of one can hide the
        failure of another (RFC 5321 section 4.5.3.1.10 has the client come again with the rest).
        """
        started_at = time.perf_counter()
        result = _Result(queue_id(envelope, message))
        with self._metrics.in_flight.track_inprogress():
            try:
                async with asyncio.timeout(self._policy.total_seconds):
                    await self._deliver(envelope, message, result)
            except Refused as refusal:
                result.outcome, result.reply = refusal.outcome, refusal.reply
            except SnapshotError as error:
                result.outcome, result.reply, result.detail = "no-snapshot", _TROUBLE, str(error)
            except TimeoutError:
                result.outcome, result.reply = "deadline", _TOO_LATE
            except Exception as error:
                result.outcome, result.reply, result.detail = "error", _TROUBLE, repr(error)
                self._log.exception("delivery failed", queue_id=result.queue_id)
        self._report(envelope, len(message), result, time.perf_counter() - started_at)
        return result.reply

    async def _deliver(self, envelope: Envelope, message: bytes, result: _Result) -> None:
        (recipient,) = envelope.recipients
        route = result.route = self._router.route(envelope.sender, recipient.address)
        if reason := self._trace.loop(message, route):
            raise Refused("loop", Reply(554, "5.4.6", f"mail loop: {reason}"))
        message = headers.strip(message, verdicts.HEADER)
        result.verdict = await self._chain.scan(message, _context(envelope, result.queue_id))
        if isinstance(result.verdict, Unscanned):
            self._metrics.unscanned.inc()
        marked = headers.prepend(
            message,
            (
                *self._trace.marks(envelope, route, result.queue_id),
                verdicts.render(result.verdict, self._policy.reject_score),
            ),
        )
        onward = replace(
            envelope,
            sender=route.sender,
            recipients=tuple(replace(recipient, address=mailbox) for mailbox in route.mailboxes),
        )
        if isinstance(result.verdict, Scored) and result.verdict.score >= self._policy.reject_score:
            await self._put_aside(envelope, onward, marked, result)
        else:
            await self._reinject(onward, marked, result)

    async def _put_aside(self, envelope: Envelope, onward: Envelope, marked: bytes, result: _Result) -> None:
        assert result.route is not None
        assert isinstance(result.verdict, Scored)
        record = {
            "quarantined_at": time.time(),
            "sender": envelope.sender,
            "recipient": result.route.recipient,
            "account": result.route.account,
            "origin": asdict(envelope.origin),
            "verdict": asdict(result.verdict),
            "onward": asdict(onward),
        }
        result.detail = await asyncio.to_thread(self._quarantine.store, marked, record, result.queue_id)
        result.outcome, result.reply = "quarantined", Reply(250, "2.0.0", "ok")

    async def _reinject(self, onward: Envelope, marked: bytes, result: _Result) -> None:
        try:
            outcome = await self._pool.send(onward, marked, self._policy.reinject_seconds)
        except UnreachableError as error:
            result.outcome, result.detail = "unreachable", str(error)
            result.reply = Reply(451, "4.4.1", "the outgoing queue cannot be reached, try again")
        except (TransactionError, TimeoutError) as error:
            result.outcome, result.detail = "interrupted", str(error) or "no answer in time"
            result.reply = Reply(451, "4.4.2", "the outgoing queue did not answer, try again")
        else:
            result.reply = _reply(outcome)
            result.outcome = "forwarded" if result.reply.accepted else "refused"
            result.detail = str(outcome.reply)

    def _report(self, envelope: Envelope, size: int, result: _Result, seconds: float) -> None:
        self._metrics.messages.labels(result.outcome).inc()
        self._metrics.seconds.observe(seconds)
        verdict = result.verdict
        self._log.info(
            "message",
            queue_id=result.queue_id,
            outcome=result.outcome,
            reply=str(result.reply),
            recipient=[recipient.address for recipient in envelope.recipients],
            mailboxes=result.route.mailboxes if result.route else None,
            account=result.route.account if result.route else None,
            sender=envelope.sender,
            client=envelope.origin.address,
            size=size,
            engine=verdict.engine if isinstance(verdict, Scored) else None,
            score=verdict.score if isinstance(verdict, Scored) else None,
            unscanned=verdict.reason if isinstance(verdict, Unscanned) else None,
            seconds=round(seconds, 4),
            detail=result.detail,
        )


def _context(envelope: Envelope, queue_id: str) -> Context:
    origin = envelope.origin
    return Context(
        sender=envelope.sender,
        recipients=tuple(recipient.address for recipient in envelope.recipients),
        client_address=origin.address or "",
        client_name=origin.name or "",
        helo=origin.helo or "",
        queue_id=queue_id,
    )


def _reply(outcome: Outcome) -> Reply:
    """What the answers of postfix-out for all mailboxes mean for the alias."""
    reply = outcome.reply
    if reply.permanent and not all(answer.permanent for answer in outcome.recipients):
        return Reply(451, "4.3.0", f"one of several mailboxes was refused: {reply}")
    return reply
