"""What is in a queue of Postfix: `postqueue -j`, one message a line (postqueue(1)), read as it is written.

A queue of 100,000 messages is never held as a whole. Postfix's showq(8) lets members of the group
postdrop ask; setgid, by which postqueue itself becomes one, has no effect in a hardened unit.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twinmx.queues.lines import LongLineError, lines, running
from twinmx.queues.settings import Instance

POSTQUEUE = "postqueue"
LONGEST_LINE = 16 << 20
"""Bytes: a message to some ten thousand recipients, each with a reason."""

NULL_SENDER = "MAILER-DAEMON"  # what showq(8) writes for <>


class QueueError(Exception):
    """A queue cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who waits; `reason` is why, in Postfix's words, or None where no attempt has failed."""

    address: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as showq(8) sees it; `arrival` in whole seconds since 1970, `size` in bytes."""

    queue: str
    identifier: str
    arrival: int
    size: int
    sender: str
    recipients: tuple[Recipient, ...]


def command(instance: Instance, *arguments: str) -> tuple[str, ...]:
    """The command line that asks `instance`."""
    return (POSTQUEUE, "-c", str(instance.config_directory), *arguments)


async def read(instance: Instance, seconds: float, take: Callable[[Message], None]) -> None:
    """Call `take` with each message of `instance`, within so many seconds; raises `QueueError`."""
    try:
        async with asyncio.timeout(seconds), running(command(instance, "-j")) as process:
            assert process.stdout
            async for line in lines(process.stdout, LONGEST_LINE):
                take(parse(line))
            await ended_well(process)
    except TimeoutError as error:
        raise QueueError(f"{instance.config_directory}: not read within {seconds:g} s") from error
    except (LongLineError, OSError) as error:
        raise QueueError(f"{instance.config_directory}: {error}") from error


def parse(line: bytes) -> Message:
    """Return the message of a line of `postqueue -j`; raises `QueueError` for what is none."""
    try:
        fields = json.loads(line.decode("utf-8", "replace"))
        return Message(
            queue=str(fields["queue_name"]),
            identifier=str(fields["queue_id"]),
            arrival=int(fields["arrival_time"]),
            size=int(fields["message_size"]),
            sender="" if fields["sender"] == NULL_SENDER else str(fields["sender"]),
            recipients=tuple(_recipient(one) for one in fields["recipients"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise QueueError(f"no line of postqueue -j: {line[:80]!r} ({type(error).__name__})") from error


def _recipient(fields: dict[str, Any]) -> Recipient:
    reason = fields.get("delay_reason")
    return Recipient(str(fields["address"]), None if reason is None else str(reason))


async def ended_well(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a postqueue; raises `QueueError` with what it said where it failed."""
    assert process.stderr
    said = (await process.stderr.read()).decode("utf-8", "replace").strip()
    if status := await process.wait():
        raise QueueError(said or f"{POSTQUEUE} ends with status {status}")
