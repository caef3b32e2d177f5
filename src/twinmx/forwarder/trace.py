"""Our marks on a forwarded message, and the loops they show (RFC 5321 section 6.3)."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime

from twinmx import headers
from twinmx.addresses import fold
from twinmx.forwarder.routing import Route
from twinmx.smtp.envelope import Envelope

HEADER = "X-Twinmx-Trace"
MAX_RECEIVED = 50

_QUEUE_ID = re.compile(r"[0-9A-Za-z]{1,40}")
_RECEIVED_ID = re.compile(rb"\(Postfix\).*? id ([0-9A-Za-z]{1,40})\b", re.DOTALL)


def queue_id(envelope: Envelope, message: bytes) -> str:
    """Return Postfix's queue id of the message, or `none`.

    Postfix sends no XFORWARD for what it made itself (a bounce); its Received field on top has the id.
    """
    if _QUEUE_ID.fullmatch(envelope.origin.ident or ""):
        return str(envelope.origin.ident)
    for value in headers.values(message, "Received")[:1]:
        if found := _RECEIVED_ID.search(value):
            return found[1].decode()
    return "none"


def loop(message: bytes, route: Route) -> str | None:
    """Say why `message` is going in circles, or return None."""
    hops = headers.count_received(message)
    if hops > MAX_RECEIVED:
        return f"{hops} hops, allowed are {MAX_RECEIVED}"
    for value in headers.values(message, HEADER):
        if fold(value.decode("utf-8", "replace").split(" ", 1)[0]) == f"<{route.recipient}>":
            return f"<{route.recipient}> has forwarded this message before"
    return None


def marks(envelope: Envelope, route: Route, host: str, ident: str) -> tuple[bytes, bytes]:
    """Return the Received and trace fields for a message that leaves on `route`; `ident` is its queue id."""
    protocol = "UTF8SMTP" if envelope.smtputf8 else "ESMTP"
    literal = f"IPv6:{envelope.peer}" if ":" in envelope.peer else envelope.peer
    received = headers.field(
        "Received",
        f"from {envelope.helo} ([{literal}])",
        f"by {host} (twinmx forwarder) with {protocol} id {ident}",
        f"for <{route.recipient}>; {format_datetime(datetime.now(UTC))}",
    )
    return received, headers.field(HEADER, f"<{route.recipient}> by {host} id {ident}")
