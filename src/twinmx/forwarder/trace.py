"""Our marks on a forwarded message, and the loops they show (RFC 5321 section 6.3)."""

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from twinmx import headers
from twinmx.addresses import fold
from twinmx.forwarder.routing import Route
from twinmx.keyed_hash import is_ours, keyed_hash
from twinmx.smtp.envelope import Envelope

HEADER = "X-Twinmx-Trace"
MAX_RECEIVED = 50

_PURPOSE = "trace"
_MARK = re.compile(r"<([^<>]*)> by (\S+) id (\S+) mark (\S+)")
_QUEUE_ID = re.compile(r"[0-9A-Za-z]{1,40}")
_RECEIVED_ID = re.compile(rb"\(Postfix[^)]*\).*? id ([0-9A-Za-z]{1,40})\b", re.DOTALL)


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


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))


class Trace:
    """Marks what leaves this host and knows the marks of the exchange again.

    The first of `keys` signs, every one verifies. A mark that anybody could write would let a stranger have
    mail refused as a loop, and the refusal sent as a bounce to whom he names as the sender.
    """

    def __init__(self, host: str, keys: Sequence[bytes]) -> None:
        self._host = host
        self._keys = tuple(keys)

    def loop(self, message: bytes, route: Route) -> str | None:
        """Say why `message` is going in circles, or return None."""
        hops = headers.count_received(message)
        if hops > MAX_RECEIVED:
            return f"{hops} hops, allowed are {MAX_RECEIVED}"
        for value in headers.values(message, HEADER):
            found = _MARK.fullmatch(value.decode("utf-8", "replace"))
            if found and fold(found[1]) == route.recipient and self._is_ours(found):
                return f"<{route.recipient}> has forwarded this message before"
        return None

    def marks(self, envelope: Envelope, route: Route, ident: str) -> tuple[bytes, bytes]:
        """Return the Received and trace fields for a message on `route`; `ident` is its queue id."""
        protocol = "UTF8SMTP" if envelope.smtputf8 else "ESMTP"
        literal = f"IPv6:{envelope.peer}" if ":" in envelope.peer else envelope.peer
        received = headers.field(
            "Received",
            f"from {envelope.helo} ([{literal}])",
            f"by {self._host} (twinmx forwarder) with {protocol} id {ident}",
            f"for <{route.recipient}>; {_date(int(time.time()))}",
        )
        mark = keyed_hash(self._keys[0], _PURPOSE, route.recipient, self._host, ident)
        return received, headers.field(HEADER, f"<{route.recipient}> by {self._host} id {ident} mark {mark}")

    def _is_ours(self, found: re.Match[str]) -> bool:
        recipient, host, ident, mark = found.groups()
        return is_ours(mark, self._keys, _PURPOSE, recipient, host, ident)
