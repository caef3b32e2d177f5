"""What is known of a delivery, and what is told about it at its end: metrics and one line in the log."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from twinmx.forwarder.metrics import ForwarderMetrics
from twinmx.forwarder.onward import Sent
from twinmx.forwarder.routing import Route
from twinmx.smtp.envelope import Envelope, Reply
from twinmx.spam.verdict import Scored, Unscanned, Verdict

if TYPE_CHECKING:
    from twinmx.limits.limiter import Admission

TROUBLE = Reply(451, "4.3.0", "temporary failure of ours, try again")


@dataclass(slots=True)
class Result:
    """A delivery so far. `scanned_by` says who asked the engines: the gate, or this program.

    `storing` is the quarantine on its way to the disk.
    """

    queue_id: str
    outcome: str = "error"
    reply: Reply = TROUBLE
    route: Route | None = None
    verdict: Verdict | None = None
    scanned_by: str | None = None
    admission: "Admission | None" = None
    sent: Sequence[Sent] = field(default_factory=tuple)
    storing: asyncio.Task[str] | None = None
    detail: str | None = None

    def kept(self, name: str) -> None:
        """Note that the message is in the quarantine under `name`."""
        self.outcome, self.reply, self.detail = "quarantined", Reply(250, "2.0.0", "ok"), name


class Report:
    """Tells about deliveries."""

    def __init__(self, metrics: ForwarderMetrics) -> None:
        self._metrics = metrics
        self._log = structlog.get_logger()

    def __call__(self, envelope: Envelope, size: int, result: Result, seconds: float) -> None:
        """Count and log a delivery that took `seconds` from the last byte to the reply."""
        route, verdict = result.route, result.verdict
        if route is not None and route.canary:
            self._metrics.count_canary()
        else:
            self._metrics.count(result.outcome, result.scanned_by, seconds)
        self._log.info(
            "message",
            queue_id=result.queue_id,
            outcome=result.outcome,
            reply=str(result.reply),
            recipient=envelope.recipients[0].address,
            mailboxes=route.mailboxes if route else None,
            account=route.account if route else None,
            sender=envelope.sender,
            client=envelope.origin.address,
            size=size,
            scanned_by=result.scanned_by,
            engine=verdict.engine if isinstance(verdict, Scored) else None,
            score=verdict.score if isinstance(verdict, Scored) else None,
            unscanned=verdict.reason if isinstance(verdict, Unscanned) else None,
            seconds=round(seconds, 4),
            detail=result.detail or _details(result.sent),
        )


def _details(sent: Sequence[Sent]) -> str | None:
    if len(sent) == 1:
        return sent[0].detail
    return "; ".join(f"{one.mailbox}: {one.detail}" for one in sent) or None
