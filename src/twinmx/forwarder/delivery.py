"""One message: route, loop check, scan, marks, and on to postfix-out.

The reply is what makes or breaks "nothing is lost": 250 only after postfix-out's 250 (or when the
quarantine is on disk), a refusal of postfix-out as it came, and 451 whenever we do not know better.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import structlog

from twinmx import headers
from twinmx.aliases.snapshot import SnapshotError
from twinmx.forwarder.metrics import ForwarderMetrics
from twinmx.forwarder.onward import Onward, addressed, summary
from twinmx.forwarder.result import TROUBLE, Report, Result
from twinmx.forwarder.routing import Refused, Router
from twinmx.forwarder.trace import Trace, queue_id
from twinmx.quarantine import Quarantine
from twinmx.smtp.envelope import Envelope, Reply
from twinmx.spam import verdict as verdicts
from twinmx.spam.chain import SpamChain
from twinmx.spam.sample import Context
from twinmx.spam.verdict import Verdict

if TYPE_CHECKING:
    from twinmx.forwarder.latelimit import LateLimit

_TOO_LATE = Reply(451, "4.4.2", "not done in time, try again")


@dataclass(frozen=True, slots=True)
class Policy:
    """Seconds for a delivery in all, and the score from which on a message is spam.

    `grace_seconds` are what a quarantine that is being written gets beyond that: Postfix still waits.
    """

    total_seconds: float
    grace_seconds: float
    reject_score: float


class Scanner:
    """The gate's verdict where the message bears one, else our own."""

    def __init__(self, chain: SpamChain, keys: Sequence[bytes]) -> None:
        self._chain = chain
        self._keys = tuple(keys)

    async def scan(
        self, envelope: Envelope, message: bytes, stripped: bytes, ident: str
    ) -> tuple[str, Verdict]:
        """Return who asked the engines, and the verdict; `stripped` is `message` without verdicts.

        The gate's counts also where it could not reach an engine: its message has waited for them once.
        """
        sealed = verdicts.unseal(message, self._keys, ident)
        if sealed is not None:
            return "gate", sealed
        return "forwarder", await self._chain.scan(stripped, _context(envelope, ident))


class Delivery:
    """Handles messages; an instance is the handler of the SMTP server."""

    def __init__(
        self,
        policy: Policy,
        router: Router,
        trace: Trace,
        scanner: Scanner,
        quarantine: Quarantine,
        onward: Onward,
        metrics: ForwarderMetrics,
        limit: "LateLimit | None" = None,
        turn: AbstractAsyncContextManager[None] | None = None,
    ) -> None:
        self._policy = policy
        self._router = router
        self._trace = trace
        self._scanner = scanner
        self._quarantine = quarantine
        self._onward = onward
        self._metrics = metrics
        self._limit = limit
        self._turn = turn or nullcontext()
        self._report = Report(metrics)
        self._log = structlog.get_logger()

    async def __call__(self, envelope: Envelope, message: bytes) -> Reply:
        """Deliver to the one recipient of `envelope`; the server admits one a transaction.

        So the reply to a message is the reply for its recipient, and no success of one can hide the
        failure of another (RFC 5321 section 4.5.3.1.10 has the client come again with the rest).
        """
        started_at = time.perf_counter()
        result = Result(queue_id(envelope, message))
        with self._metrics.in_flight.track_inprogress():
            try:
                async with asyncio.timeout(self._policy.total_seconds), self._turn:
                    await self._deliver(envelope, message, result)
            except Refused as refusal:
                result.outcome, result.reply = refusal.outcome, refusal.reply
            except SnapshotError as error:
                result.outcome, result.reply, result.detail = "no-snapshot", TROUBLE, str(error)
            except TimeoutError:
                await self._after_deadline(result)
            except Exception as error:
                result.outcome, result.reply, result.detail = "error", TROUBLE, repr(error)
                self._log.exception("delivery failed", queue_id=result.queue_id)
            if self._limit and result.admission and not result.reply.accepted:
                await self._limit.release(result.admission)
        self._report(envelope, len(message), result, time.perf_counter() - started_at)
        return result.reply

    async def _deliver(self, envelope: Envelope, message: bytes, result: Result) -> None:
        route = result.route = self._router.route(envelope.sender, envelope.recipients[0].address)
        if reason := self._trace.loop(message, route):
            raise Refused("loop", Reply(554, "5.4.6", f"mail loop: {reason}"))
        if self._limit and not route.canary and (envelope.sender or not route.back):
            result.admission = await self._limit.admit(route, envelope.sender)
        stripped = headers.strip(message, verdicts.HEADER)
        missing = self._onward.missing(stripped, route.recipient, route.mailboxes)
        if not missing:
            raise Refused("repeated", Reply(250, "2.0.0", "delivered before"))
        result.scanned_by, verdict = await self._scanner.scan(envelope, message, stripped, result.queue_id)
        result.verdict = verdict
        marked = headers.prepend(
            stripped,
            (
                *self._trace.marks(envelope, route, result.queue_id),
                verdicts.render(verdict, self._policy.reject_score),
            ),
        )
        del stripped  # a large message is in memory often enough
        onward = replace(envelope, sender=route.sender)
        if verdicts.is_spam(verdict, self._policy.reject_score):
            if route.canary:  # nobody's mail, and its null sender hears of nothing: none of it is kept
                raise Refused("spam", Reply(550, "5.7.1", "this message was taken for spam"))
            await self._put_aside(envelope, addressed(onward, missing), marked, result)
            return
        result.sent = await self._onward.send(onward, marked, missing)
        told = summary(result.sent, route.mailboxes)
        result.outcome, result.reply = told.outcome, told.reply

    async def _put_aside(self, envelope: Envelope, onward: Envelope, marked: bytes, result: Result) -> None:
        assert result.route is not None
        assert result.verdict is not None
        record = {
            "quarantined_at": time.time(),
            "sender": envelope.sender,
            "recipient": result.route.recipient,
            "account": result.route.account,
            "origin": asdict(envelope.origin),
            "verdict": asdict(result.verdict),
            "onward": asdict(onward),
        }
        storing = asyncio.to_thread(self._quarantine.store, marked, record, result.queue_id)
        result.storing = asyncio.create_task(storing)
        result.kept(await asyncio.shield(result.storing))

    async def _after_deadline(self, result: Result) -> None:
        """Wait for a quarantine that is being written: nothing stops it, and 451 would bring a second one."""
        result.outcome, result.reply = "deadline", _TOO_LATE
        if result.storing is None:
            return
        try:
            async with asyncio.timeout(self._policy.grace_seconds):
                result.kept(await asyncio.shield(result.storing))
        except TimeoutError:
            self._log.warning("the quarantine is slow, spam may be kept twice", queue_id=result.queue_id)
        except OSError as error:
            result.detail = repr(error)


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
