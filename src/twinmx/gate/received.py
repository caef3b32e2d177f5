"""The Received field that Postfix will put on a message: milters see the message without it.

An engine that takes the client from the message (SpamAssassin) would else take the hop before it, which the
sender may have made up.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime

from twinmx import headers
from twinmx.milter.session import Client

_UNSAFE = re.compile(r"[^!-'*-~]")
_MAX = 250


def received(host: str, client: Client, queue_id: str, recipients: Sequence[str]) -> bytes:
    """Return the finished field, in the form of Postfix's own (smtpd.c)."""
    literal = f"IPv6:{client.address}" if ":" in client.address else client.address
    lone = f" for <{_safe(recipients[0])}>" if len(recipients) == 1 else ""
    lines = (
        f"from {_safe(client.helo)} ({_safe(client.name)} [{_safe(literal)}])",
        f"by {host} (Postfix) with ESMTP id {_safe(queue_id)}{lone};",
        format_datetime(datetime.now(UTC)),
    )
    return headers.field("Received", *lines)


def _safe(text: str) -> str:
    return _UNSAFE.sub("?", text)[:_MAX] or "unknown"
