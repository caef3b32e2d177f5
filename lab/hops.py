"""Read the way of a message from its Received fields (RFC 5321, 4.4)."""

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.utils import parsedate_to_datetime

COMMENT = re.compile(r"\([^()]*\)")
CLAUSE = re.compile(r"(?:^|\s)(from|by|with|id)\s+(\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class Hop:
    """One Received field. A clause that is not there is an empty string; `time` has whole seconds."""

    source: str
    by: str
    protocol: str
    queue_id: str
    time: datetime | None


def _without_comments(text: str) -> str:
    """Comments nest (RFC 5322, 3.2.2): take the innermost out until there is none."""
    shorter = COMMENT.sub(" ", text)
    return text if shorter == text else _without_comments(shorter)


def parse_received(field: str) -> Hop:
    """One Received field's value; what does not parse is left empty."""
    clauses, _, date = _without_comments(field).rpartition(";")
    found = {name.lower(): value for name, value in CLAUSE.findall(clauses)}
    try:
        time = parsedate_to_datetime(date.strip())
    except ValueError:
        time = None
    return Hop(
        source=found.get("from", ""),
        by=found.get("by", ""),
        protocol=found.get("with", ""),
        queue_id=found.get("id", ""),
        time=time,
    )


def hops_of(message: bytes) -> tuple[Hop, ...]:
    """The hops of a message in the order in which it made them."""
    fields = message_from_bytes(message).get_all("Received") or []
    return tuple(parse_received(str(field)) for field in reversed(fields))


def seconds_at(hops: tuple[Hop, ...], position: int) -> int | None:
    """Seconds from the hop before to the one at `position`; None at the first or without a date."""
    if position == 0:
        return None
    here, before = hops[position].time, hops[position - 1].time
    if here is None or before is None:
        return None
    return int((here - before).total_seconds())
