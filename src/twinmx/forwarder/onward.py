"""On to postfix-out: a transaction for each mailbox, and one reply that stands for all of them.

One transaction for all would let the refusal of one mailbox hold up the others. With one for each, what
was accepted for one must not be sent to it again when Postfix comes back for another: see `delivered`.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import structlog

from twinmx.forwarder.delivered import Delivered, fingerprints
from twinmx.forwarder.peers import Peers
from twinmx.smtp.client import TransactionError
from twinmx.smtp.envelope import Envelope, Reply
from twinmx.smtp.pool import Pool, UnreachableError

_LARGE_BYTES = 1 << 20
_LARGE_AT_ONCE = 2
"""Each transaction has a copy of the message in memory, and an alias may have many mailboxes."""

_SOME = "one of the mailboxes behind this alias {}"


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one mailbox: one word for metrics, the reply of postfix-out or one for it, details."""

    mailbox: str
    outcome: str
    reply: Reply
    detail: str = ""


class Onward:
    """Sends messages on, and knows who has them."""

    def __init__(self, pool: Pool, seconds: float, delivered: Delivered, peers: Peers) -> None:
        self._pool = pool
        self._seconds = seconds
        self._delivered = delivered
        self._peers = peers
        self._log = structlog.get_logger()

    def missing(self, message: bytes, recipient: str, mailboxes: Sequence[str]) -> dict[str, str]:
        """Return the mailboxes behind `recipient` that have no copy of `message` yet, with fingerprints.

        The only mailbox of an alias always is one: what it has accepted never comes back, so it needs no
        fingerprint. Raises `OSError` where it cannot be found out.
        """
        if len(mailboxes) == 1:
            return {mailboxes[0]: ""}
        named = dict(zip(mailboxes, fingerprints(message, recipient, mailboxes), strict=True))
        return {mailbox: mark for mailbox, mark in named.items() if not self._delivered.knows(mark)}

    async def send(self, envelope: Envelope, message: bytes, missing: dict[str, str]) -> list[Sent]:
        """Send to each of the `missing` mailboxes, and remember who accepted where one has failed for now.

        The envelope's recipient is still the alias.
        """
        envelopes = [addressed(envelope, (mailbox,)) for mailbox in missing]
        if len(envelopes) == 1:
            return [await self._send(envelopes[0], message)]
        turns = asyncio.Semaphore(_LARGE_AT_ONCE if len(message) > _LARGE_BYTES else len(envelopes))
        tasks = [asyncio.create_task(self._send_in_turn(turns, envelope, message)) for envelope in envelopes]
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            self._remember(_finished(tasks), missing)
            raise
        finally:
            for task in tasks:
                task.cancel()
        sent = _finished(tasks)
        if any(not one.reply.accepted and not one.reply.permanent for one in sent):
            accepted = self._remember(sent, missing)
            if accepted:
                await self._peers.tell(accepted)
        return sent

    def _remember(self, sent: Sequence[Sent], missing: dict[str, str]) -> list[str]:
        accepted = [missing[one.mailbox] for one in sent if one.reply.accepted]
        try:
            self._delivered.remember(accepted)
        except OSError as error:
            self._log.error("what is delivered cannot be remembered and may be sent twice", detail=str(error))
        return accepted

    async def _send_in_turn(self, turns: asyncio.Semaphore, envelope: Envelope, message: bytes) -> Sent:
        async with turns:
            return await self._send(envelope, message)

    async def _send(self, envelope: Envelope, message: bytes) -> Sent:
        mailbox = envelope.recipients[0].address
        try:
            reply = (await self._pool.send(envelope, message, self._seconds)).reply
        except UnreachableError as error:
            reply = Reply(451, "4.4.1", "the outgoing queue cannot be reached, try again")
            return Sent(mailbox, "unreachable", reply, str(error))
        except (TransactionError, TimeoutError) as error:
            reply = Reply(451, "4.4.2", "the outgoing queue did not answer, try again")
            return Sent(mailbox, "interrupted", reply, str(error) or "no answer in time")
        except Exception as error:
            self._log.exception("re-injection failed")
            return Sent(
                mailbox, "error", Reply(451, "4.3.0", "temporary failure of ours, try again"), repr(error)
            )
        return Sent(mailbox, "forwarded" if reply.accepted else "refused", reply, str(reply))


def addressed(envelope: Envelope, mailboxes: Iterable[str]) -> Envelope:
    """Return `envelope` with `mailboxes` in place of its recipient, whose DSN parameters they keep.

    But for reports of success: they name the mailbox, to anybody who asks for one.
    """
    (recipient,) = envelope.recipients
    recipient = replace(recipient, notify=_without_success(recipient.notify))
    return replace(envelope, recipients=tuple(replace(recipient, address=mailbox) for mailbox in mailboxes))


def _without_success(notify: str | None) -> str | None:
    """Return NOTIFY (RFC 3461 section 4.1) without SUCCESS.

    Where nothing is left the default applies, and failures are reported. NEVER would be closer to the letter
    of SUCCESS alone, but its sender counts on hearing something, and mail would be lost without a word.
    """
    if notify is None:
        return None
    return ",".join(word for word in notify.split(",") if word.upper() != "SUCCESS") or None


def _finished(tasks: Sequence[asyncio.Task[Sent]]) -> list[Sent]:
    return [task.result() for task in tasks if task.done() and not task.cancelled()]


def summary(sent: Sequence[Sent], mailboxes: Sequence[str]) -> Sent:
    """Return what is told to the client, for an alias with these `mailboxes`: the worst that can be mended.

    `sent` is what was tried this time, and is not empty. A failure for now brings the message back for the
    rest. A refusal of some, while the others have accepted, is final and so is said to the sender, without
    naming the mailbox, which is nobody's business.
    """
    failed = [one for one in sent if not one.reply.accepted]
    if not failed:
        return sent[-1]
    temporary = [one for one in failed if not one.reply.permanent]
    worst = (temporary or failed)[0]
    reply = worst.reply
    if len(failed) == len(mailboxes):
        return replace(worst, reply=replace(reply, text=_without(mailboxes, reply.text)))
    if temporary:
        return replace(worst, reply=Reply(451, reply.enhanced or "4.3.0", _SOME.format("failed, try again")))
    return replace(worst, reply=Reply(550, reply.enhanced or "5.1.1", _SOME.format("refused")))


def _without(mailboxes: Sequence[str], text: str) -> str:
    return re.sub("|".join(map(re.escape, mailboxes)), "the mailbox", text, flags=re.IGNORECASE)
