"""Send a quarantined message on to where it would have gone: to each mailbox once, and to all before it goes.

It is given to postfix-out, past the gate and the forwarder, so nothing scans it again. What has happened is
put on disk before and after each transaction: a crash leaves an item which says how far it came.
"""

import asyncio
from dataclasses import dataclass, replace

from twinmx.quarantine import Held, Progress, Record
from twinmx.smtp.client import Connection, TransactionError
from twinmx.smtp.envelope import Envelope, Reply


class ReleaseError(Exception):
    """The message stays in quarantine; the text says why, and what was done."""


@dataclass(frozen=True, slots=True)
class NextHop:
    """postfix-out, how this host greets it, and the seconds that one transaction may take."""

    address: str
    port: int
    helo: str
    seconds: float


async def release(held: Held, record: Record, message: bytes, hop: NextHop, *, again: bool) -> Progress:
    """Send to each mailbox that has no copy yet, and remove the item when all have; raises `ReleaseError`.

    A mailbox whose answer was lost is tried once more only with `again`: it may have the message.
    """
    progress = held.progress
    if progress.sending is not None:
        if not again:
            raise ReleaseError(
                f"a release was interrupted while it sent to {progress.sending}, which may have the message:"
                " look there or in the log of postfix-out, then release it with --again, or drop it"
            )
        progress = replace(progress, sending=None)
    for recipient in record.onward.recipients:
        if recipient.address not in progress.accepted:
            onward = replace(record.onward, recipients=(recipient,))
            progress = await _send(held, progress, onward, message, hop)
    held.remove()
    return progress


async def _send(held: Held, progress: Progress, onward: Envelope, message: bytes, hop: NextHop) -> Progress:
    (recipient,) = onward.recipients
    held.note(replace(progress, sending=recipient.address, refused=None))
    try:
        reply = await _transact(onward, message, hop)
    except (TransactionError, TimeoutError, OSError, ValueError) as error:
        reason = f"{recipient.address}: {str(error) or 'no answer in time'}"
        if not _may_have_been_sent(error):
            held.note(replace(progress, refused=reason))
            raise ReleaseError(reason) from error
        held.note(replace(progress, sending=recipient.address, refused=reason))
        raise ReleaseError(f"{reason}; it may have been accepted all the same") from error
    if not reply.accepted:
        held.note(replace(progress, refused=f"{recipient.address}: {reply}"))
        raise ReleaseError(f"{recipient.address}: refused: {reply}")
    progress = replace(progress, accepted={**progress.accepted, recipient.address: str(reply)})
    held.note(progress)
    return progress


def _may_have_been_sent(error: Exception) -> bool:
    return isinstance(error, TimeoutError) or (isinstance(error, TransactionError) and error.committed)


async def _transact(onward: Envelope, message: bytes, hop: NextHop) -> Reply:
    try:
        async with asyncio.timeout(hop.seconds):
            connection = await Connection.open(hop.address, hop.port, hop.helo)
    except TimeoutError as error:
        raise OSError(f"{hop.address}:{hop.port} does not greet in time") from error
    async with asyncio.timeout(hop.seconds):
        outcome = await connection.send(onward, message)
    connection.leave()
    return outcome.reply
